//! Cargo subcommands of a pinned version, built once per checkout.
//!
//! They come from the crate registry by `cargo install --locked`: no prebuilt program is in
//! a registry that this project uses anyway.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use toolchain::Toolchain;

use crate::{cargo, ui};

/// A subcommand, its version, and the arguments its installation takes.
pub(crate) struct CargoTool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) options: &'static [&'static str],
}

/// Licences, duplicates and sources of the dependencies.
pub(crate) const DENY: CargoTool =
    CargoTool { name: "cargo-deny", version: "0.20.2", options: &["--no-default-features"] };

/// Dependencies that nothing uses.
pub(crate) const MACHETE: CargoTool = CargoTool { name: "cargo-machete", version: "0.9.2", options: &[] };

impl CargoTool {
    /// The program, from the search path where it has this version, else built and kept.
    pub(crate) fn ensure(&self, toolchain: &Toolchain) -> Result<PathBuf> {
        if let Ok(found) = which::which(self.name)
            && self.is_at(&found)
        {
            return Ok(found);
        }
        let folder = toolchain.root().join(".venv/cargo");
        let program = folder.join("bin").join(self.name);
        if self.is_at(&program) {
            return Ok(program);
        }
        ui::step(format_args!("building {} {} (once)", self.name, self.version));
        cargo::must(
            cargo::command(toolchain.root())
                .args(["install", "--quiet", "--locked", self.name, "--version", self.version])
                .args(self.options)
                .arg("--root")
                .arg(&folder)
                // In a folder that goes afterwards, and quick to build rather than to run.
                .env_remove("CARGO_TARGET_DIR")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
        )?;
        ensure!(self.is_at(&program), "{} is not {} {}", program.display(), self.name, self.version);
        Ok(program)
    }

    fn is_at(&self, program: &PathBuf) -> bool {
        Command::new(program).arg("--version").output().is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == self.version)
        })
    }
}

//! `cargo xtask package`: what a deployment needs, in `target/package`.

mod template;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use toolchain::{Component, Toolchain};

use crate::cli::{Arch, PackageOptions};
use crate::{cargo, lint, setup, ui};

/// The Fargate program: it goes into a container image, not into an archive.
const NOT_A_FUNCTION: &str = "runner";
/// Folders with files that the template names.
const COMPANIONS: [&str; 2] = ["infra", "statemachine"];

pub(crate) fn run(toolchain: &Toolchain, options: &PackageOptions) -> Result<ExitCode> {
    let root = toolchain.root();
    let arch = choose(options.arch, Arch::of_this_machine(), Arch::has_standard_library)?;
    let functions = chosen(&functions(root)?, &options.functions)?;
    setup::ensure(toolchain, &[Component::Tools])?;

    let workspace = cargo::Workspace::read(root)?;
    let folder = workspace.target_directory.join("package");
    let build = folder.join("build");
    ui::step(format_args!("building {} functions for {}", functions.len(), arch.name()));
    cargo::must(
        lint::tool(toolchain, "cargo-lambda")
            .args(["lambda", "build", "--release", "--locked", "--output-format", "zip"])
            // It would install a missing standard library by itself.
            .arg("--skip-target-check")
            .args(["--target", arch.target(), "--lambda-dir"])
            .arg(&build)
            .args(functions.iter().filter_map(|name| workspace.ids.get(name)).flat_map(|id| ["--package", id])),
    )?;
    for name in &functions {
        let archive = folder.join(format!("{name}.zip"));
        fs::rename(build.join(name).join("bootstrap.zip"), &archive)
            .with_context(|| format!("moving the archive of {name}"))?;
        let size = archive.metadata().map_or(0, |file| file.len());
        ui::say(format_args!("{:>8.2} MB  {}", megabytes(size), archive.display()));
    }
    if root.join(lint::TEMPLATE).is_file() {
        let template = write_template(root, &folder, arch)?;
        ui::step("checking the packaged template");
        cargo::must(
            lint::tool(toolchain, "sam")
                .args(["validate", "--lint", "--region", "us-east-1", "--template"])
                .arg(&template),
        )?;
        ui::say(format_args!("deploy with: sam deploy --guided --template {}", template.display()));
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// The folders of `functions/` that hold a Lambda function, sorted.
fn functions(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("functions");
    let reading = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != NOT_A_FUNCTION && entry.path().join("src/main.rs").is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn chosen(all: &[String], wanted: &[String]) -> Result<Vec<String>> {
    for name in wanted {
        ensure!(all.contains(name), "there is no function `{name}`; there are: {}", all.join(", "));
    }
    Ok(if wanted.is_empty() { all.to_vec() } else { wanted.to_vec() })
}

/// What was asked for, or arm64 where it can be built, or what this machine is.
fn choose(wanted: Option<Arch>, own: Arch, can_build: impl Fn(Arch) -> bool) -> Result<Arch> {
    let add = |arch: Arch| format!("rustup target add {}", arch.target());
    match wanted {
        Some(arch) if can_build(arch) => Ok(arch),
        Some(arch) => bail!("Rust's standard library for {} is not installed: {}", arch.name(), add(arch)),
        None if can_build(Arch::Arm64) => Ok(Arch::Arm64),
        None if can_build(own) => {
            ui::warn(format_args!(
                "building for {}: Rust's standard library for arm64, which the template asks \
                 for, is not installed ({})",
                own.name(),
                add(Arch::Arm64)
            ));
            Ok(own)
        }
        None => bail!("Rust's standard library for Linux is not installed: {}", add(Arch::Arm64)),
    }
}

impl Arch {
    const fn of_this_machine() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86_64 }
    }

    /// As Lambda calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// As Rust calls it.
    const fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }

    fn has_standard_library(self) -> bool {
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", self.target()])
            .output()
            .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
    }
}

/// Writes the template that names the archives, with the files it refers to beside it.
fn write_template(root: &Path, folder: &Path, arch: Arch) -> Result<PathBuf> {
    let source = root.join(lint::TEMPLATE);
    let text = fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
    let text = template::packaged(&text, arch.name()).with_context(|| format!("packaging {}", source.display()))?;
    for companion in COMPANIONS {
        let (from, to) = (root.join(companion), folder.join(companion));
        copy_folder(&from, &to).with_context(|| format!("copying {}", from.display()))?;
    }
    let target = folder.join(lint::TEMPLATE);
    fs::write(&target, text).with_context(|| format!("writing {}", target.display()))?;
    Ok(target)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm64_is_preferred_and_never_pretended() {
        let x86_only = |arch| arch == Arch::X86_64;
        assert_eq!(choose(None, Arch::X86_64, |_| true).unwrap(), Arch::Arm64);
        assert_eq!(choose(None, Arch::X86_64, x86_only).unwrap(), Arch::X86_64);
        let error = choose(Some(Arch::Arm64), Arch::X86_64, x86_only).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Rust's standard library for arm64 is not installed: \
             rustup target add aarch64-unknown-linux-gnu"
        );
    }

    #[test]
    fn the_functions_of_this_workspace_are_found() {
        let toolchain = Toolchain::of_this_checkout();
        let all = functions(toolchain.root()).unwrap();
        assert!(all.contains(&"webhook".to_owned()), "{all:?}");
        assert!(!all.contains(&NOT_A_FUNCTION.to_owned()), "{all:?}");
        let error = chosen(&all, &["webhok".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("there is no function `webhok`; there are: "), "{error}");
    }
}

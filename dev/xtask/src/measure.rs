//! Handing over to programs that measure, built as what is deployed is built.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use toolchain::Toolchain;

use crate::{cargo, ui};

/// Builds a measurement as it is deployed, optimised, and runs it: `secret-scan` takes an hour without that, and
/// `change-bench` would measure something else.
pub(crate) fn run(toolchain: &Toolchain, name: &str, args: &[OsString]) -> Result<ExitCode> {
    let workspace = cargo::Workspace::read(toolchain.root())?;
    let package = workspace.ids.get(name).map_or(name, String::as_str);
    if !workspace.target_directory.join("release").join(name).exists() {
        ui::step("building it optimised; the first time takes minutes");
    }
    let mut command = cargo::command(toolchain.root());
    command.args(["run", "--quiet", "--locked", "--release", "--package", package, "--"]).args(args);
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

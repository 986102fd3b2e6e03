//! Handing over to the crate `secret-scan`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use toolchain::Toolchain;

use crate::cargo;

/// Builds the measurement as it is deployed, optimised, and runs it: without that it takes an hour.
pub(crate) fn run(toolchain: &Toolchain, args: &[OsString]) -> Result<ExitCode> {
    let workspace = cargo::Workspace::read(toolchain.root())?;
    let package = workspace.ids.get("secret-scan").map_or("secret-scan", String::as_str);
    let mut command = cargo::command(toolchain.root());
    command.args(["run", "--quiet", "--locked", "--release", "--package", package, "--"]).args(args);
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

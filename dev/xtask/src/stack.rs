//! Handing over to the crate `stack`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use toolchain::Toolchain;

use crate::{cargo, setup, ui};

/// Installs what a stack needs, builds the `stack` program, and becomes it.
pub(crate) fn run(toolchain: &Toolchain, verb: &str, args: &[OsString]) -> Result<ExitCode> {
    let asks_for_help = args.iter().any(|arg| arg == "--help" || arg == "-h");
    if !asks_for_help && verb != "down" {
        setup::ensure(toolchain, &setup::STACK)?;
    }
    let workspace = cargo::Workspace::read(toolchain.root())?;
    let program = workspace.target_directory.join("debug/stack");
    if !program.exists() {
        ui::step("building the local stack; the first time takes minutes");
    }
    cargo::must(cargo::command(toolchain.root()).args([
        "build",
        "--quiet",
        "--locked",
        // With the features that the whole workspace uses: the stack builds its functions with the same.
        "--workspace",
        "--bin",
        "stack",
    ]))?;
    // This process becomes the stack, so that signals and the exit status are its own.
    let error = Command::new(&program).arg(verb).args(args).exec();
    Err(error).with_context(|| format!("{} could not be started", program.display()))
}

//! Handing over to programs of this workspace.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use toolchain::{Component, Toolchain};

use crate::{cargo, setup, ui};

/// Installs what a stack needs, builds the `stack` program, and becomes it.
pub(crate) fn run(toolchain: &Toolchain, verb: &str, args: &[OsString]) -> Result<ExitCode> {
    let asks_for_help = args.iter().any(|arg| arg == "--help" || arg == "-h");
    if !asks_for_help && verb != "down" {
        setup::ensure(toolchain, &setup::STACK)?;
    }
    let mut all = vec![verb.into()];
    all.extend_from_slice(args);
    become_built(toolchain, "stack", &all)
}

/// Installs Pi, builds one of our programs for development, and becomes it.
pub(crate) fn become_program(
    toolchain: &Toolchain,
    needs: Component,
    name: &str,
    args: &[OsString],
) -> Result<ExitCode> {
    setup::ensure(toolchain, &[needs])?;
    become_built(toolchain, name, args)
}

/// Builds one of our programs for development, and becomes it.
pub(crate) fn become_built(toolchain: &Toolchain, name: &str, args: &[OsString]) -> Result<ExitCode> {
    let workspace = cargo::Workspace::read(toolchain.root())?;
    let program = workspace.target_directory.join("debug").join(name);
    if !program.exists() {
        ui::step("building; the first time takes minutes");
    }
    cargo::must(cargo::command(toolchain.root()).args([
        "build",
        "--quiet",
        "--locked",
        // With the features that the whole workspace uses: nothing is compiled twice.
        "--workspace",
        "--bin",
        name,
    ]))?;
    // This process becomes the program, so that signals and the exit status are its own.
    let error = Command::new(&program).args(args).exec();
    Err(error).with_context(|| format!("{} could not be started", program.display()))
}

//! `cargo xtask check`: everything that can be found without running the program.

use std::process::{Command, ExitCode};

use anyhow::Result;
use toolchain::{Component, Toolchain};

use crate::cargo_tools::{DENY, MACHETE};
use crate::{cargo, lint, setup, ui};

type Step = (&'static str, fn(&Toolchain) -> Result<()>);

const STEPS: [Step; 8] = [
    ("format", format),
    ("lints", clippy),
    ("documentation", documentation),
    ("licences, duplicates and sources of dependencies", dependencies),
    ("unused dependencies", unused_dependencies),
    ("template: cfn-lint", lint::cfn_lint),
    ("template: sam validate", lint::sam_validate),
    ("state machine", lint::state_machine),
];

/// Runs every step, also after one failed, and names those that did.
pub(crate) fn run(toolchain: &Toolchain) -> Result<ExitCode> {
    setup::ensure(toolchain, &[Component::Tools, Component::NodeRuntime, Component::NodeDev])?;
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        ui::step(name);
        if let Err(error) = step(toolchain) {
            ui::error(&error);
            failed.push(name);
        }
    }
    if failed.is_empty() {
        ui::say(format_args!("check: all {} steps are clean", STEPS.len()));
        return Ok(ExitCode::SUCCESS);
    }
    ui::say(format_args!("check: {} of {} steps failed: {}", failed.len(), STEPS.len(), failed.join("; ")));
    Ok(ExitCode::FAILURE)
}

fn format(toolchain: &Toolchain) -> Result<()> {
    cargo::must(cargo::command(toolchain.root()).args(["fmt", "--all", "--check"]))
}

fn clippy(toolchain: &Toolchain) -> Result<()> {
    cargo::must(cargo::command(toolchain.root()).args([
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn documentation(toolchain: &Toolchain) -> Result<()> {
    cargo::must(
        cargo::command(toolchain.root())
            .args(["doc", "--quiet", "--locked", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn dependencies(toolchain: &Toolchain) -> Result<()> {
    let program = DENY.ensure(toolchain)?;
    // The advisories, its fourth check, would need a database from outside the registry.
    cargo::must(
        Command::new(program)
            .current_dir(toolchain.root())
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(["bans", "licenses", "sources"]),
    )
}

fn unused_dependencies(toolchain: &Toolchain) -> Result<()> {
    let program = MACHETE.ensure(toolchain)?;
    cargo::must(Command::new(program).current_dir(toolchain.root()).args(["functions", "shared", "dev"]))
}

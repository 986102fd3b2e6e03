//! Linters of what is not Rust.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use toolchain::Toolchain;

use crate::cargo;

const STATE_MACHINE: &str = "statemachine/ticket.asl.json";
pub(crate) const TEMPLATE: &str = "template.yaml";

/// The state machine's definition against the States Language.
pub(crate) fn state_machine(toolchain: &Toolchain) -> Result<()> {
    cargo::must(toolchain.asl_validator().current_dir(toolchain.root()).args(["--json-path", STATE_MACHINE]))
}

/// The template against the specification of its resources.
pub(crate) fn cfn_lint(toolchain: &Toolchain) -> Result<()> {
    cargo::must(tool(toolchain, "cfn-lint").arg(TEMPLATE))
}

/// The template as SAM transforms it.
pub(crate) fn sam_validate(toolchain: &Toolchain) -> Result<()> {
    cargo::must(tool(toolchain, "sam").args(["validate", "--lint", "--region", "us-east-1", "--template", TEMPLATE]))
}

/// A Python tool that finds its companions, and that reports to nobody.
pub(crate) fn tool(toolchain: &Toolchain, name: &str) -> Command {
    let mut command = Command::new(toolchain.tool(name));
    command.current_dir(toolchain.root()).env("SAM_CLI_TELEMETRY", "0").env("PATH", path_with(&toolchain.tools_bin()));
    command
}

fn path_with(first: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let rest = std::env::split_paths(&path).collect::<Vec<_>>();
    std::env::join_paths(std::iter::once(first.to_owned()).chain(rest)).unwrap_or(path)
}

//! Installing the third-party tools.

use std::process::ExitCode;

use anyhow::Result;
use toolchain::{Component, Toolchain};

use crate::ui;

/// What a local stack needs.
pub(crate) const STACK: [Component; 3] = [Component::Engine, Component::NodeRuntime, Component::Pi];

/// Installs what is missing of `wanted`, with progress.
pub(crate) fn ensure(toolchain: &Toolchain, wanted: &[Component]) -> Result<()> {
    Ok(toolchain.ensure(wanted, &ui::Bars::new())?)
}

pub(crate) fn run(toolchain: &Toolchain) -> Result<ExitCode> {
    ensure(toolchain, &Component::ALL)?;
    ui::say("Everything is installed. Next: cargo xtask demo");
    Ok(ExitCode::SUCCESS)
}

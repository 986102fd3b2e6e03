//! `cargo xtask redteam`, and its own launcher of sandboxes.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = isolation::launch::if_asked() {
        return Ok(code);
    }
    redteam::mode::main(&redteam::Options::parse())
}

//! `cargo xtask secrets`: how well credentials are recognised.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> anyhow::Result<ExitCode> {
    secret_scan::run(&secret_scan::Options::parse(), &mut std::io::stdout().lock())
}

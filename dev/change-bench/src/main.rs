//! `cargo xtask bench`: how long a change set takes, beside Git.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    change_bench::run(&change_bench::Options::parse(), &mut std::io::stdout()).await
}

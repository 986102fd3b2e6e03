//! The commands behind `cargo xtask`.
//!
//! This crate builds in seconds: it has no AWS SDK and no asynchronous runtime. What needs
//! those lives in the crate `stack`, which is built and handed over to once the tools are
//! there.

mod cargo;
mod cargo_tools;
mod check;
mod cli;
mod doctor;
mod fuzz;
mod image;
mod lint;
mod lock;
mod measure;
mod package;
mod setup;
mod stack;
mod test;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use toolchain::{Component, Toolchain};

use crate::cli::{Cli, Command};

/// Runs the command line and says how it ended.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            ui::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let toolchain = Toolchain::of_this_checkout();
    match cli.command {
        Command::Setup => setup::run(&toolchain),
        Command::Doctor => Ok(doctor::run(&toolchain)),
        Command::Test(options) => test::run(&toolchain, options),
        Command::Check => check::run(&toolchain),
        Command::Audit { args } => stack::become_built(&toolchain, "audit", &args),
        Command::Races { args } => stack::become_program(&toolchain, Component::Engine, "gate-races", &args),
        Command::Redteam { args } => stack::become_program(&toolchain, Component::Pi, "redteam", &args),
        Command::Fuzz(options) => fuzz::run(&toolchain, &options),
        Command::Secrets { args } => measure::run(&toolchain, "secret-scan", &args),
        Command::Bench { args } => measure::run(&toolchain, "change-bench", &args),
        Command::BenchHome { args } => stack::run(&toolchain, "bench-home", &args),
        Command::Package(options) => package::run(&toolchain, &options),
        Command::Image(options) => image::run(&toolchain, &options),
        Command::Lock => lock::run(&toolchain),
        Command::Demo { args } => stack::run(&toolchain, "demo", &args),
        Command::Run { args } => stack::run(&toolchain, "run", &args),
        Command::Up { args } => stack::run(&toolchain, "up", &args),
        Command::Down { args } => stack::run(&toolchain, "down", &args),
    }
}

//! A battery of hostile agents.
//!
//! A scripted model has the real Pi make every attack of `attacks/*.toml` in the real runner's sandbox, a class a run, in
//! four sorts of machine; whether one succeeded is looked at from outside. The same scripts are then run by the same user
//! without the runner: there each must succeed, or it proves nothing.

pub mod attack;
pub mod bare;
pub mod ground;
pub mod listeners;
pub mod mode;
pub mod outgoing;
pub mod play;
pub mod report;
pub mod repository;
mod store;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The folder of the attacks that ship with this crate.
pub const ATTACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/attacks");

/// Hostile agents against the sandbox and the verification, on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask redteam", bin_name = "cargo xtask redteam")]
pub struct Options {
    /// Write what came of every attack to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Only classes whose file has this name; may be given several times
    #[arg(long = "class", value_name = "NAME")]
    pub classes: Vec<String>,
    /// Only this sort of machine; may be given several times
    #[arg(long = "mode", value_name = "MODE")]
    pub modes: Vec<mode::Mode>,
    /// What this process is to do of it; without: all
    #[command(subcommand)]
    pub part: Option<Part>,
}

/// Parts of a battery, each in a process of its own.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// All attacks in one sort of machine, whose restrictions this process has already
    #[command(hide = true)]
    Cell {
        /// Which.
        mode: mode::Mode,
    },
    /// All attacks without any control, by the user that this process has already
    #[command(hide = true)]
    Bare,
}

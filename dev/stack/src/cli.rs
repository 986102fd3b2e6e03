//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use domain::packages::HostName;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use toolchain::Toolchain;
use tracing_subscriber::EnvFilter;

use crate::{bench_home, contain, demo, ui, up};

/// The exit code after Ctrl-C, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// A whole deployment on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios on a stack of their own, from ticket to merged pull request
    Demo(DemoOptions),
    /// Play one scenario folder from anywhere on disk
    Run(RunOptions),
    /// Start a stack that stays until Ctrl-C, or until `down`
    Up(UpOptions),
    /// End the stack that `up --detach` started
    Down(DownOptions),
    /// Measure how long the home page takes with many open gates
    BenchHome(BenchHomeOptions),
    /// Run a program, and end with it everything that it started
    #[command(hide = true)]
    Contain(ContainOptions),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// A shipped scenario; may be given several times. Without it: the three use cases
    #[arg(long = "scenario", value_name = "NAME")]
    pub(crate) scenarios: Vec<String>,
    /// Decide yourself at both gates, here or in the browser, whichever comes first
    #[arg(long)]
    pub(crate) interactive: bool,
    /// Write what came of the runs to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Leave the stack's folder, with all logs, when it ends
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
struct RunOptions {
    /// The scenario's folder; docs/scenarios.md says what is in it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Decide yourself at both gates, here or in the browser, whichever comes first
    #[arg(long)]
    interactive: bool,
    /// Write what came of the run to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leave the stack's folder, with all logs, when it ends
    #[arg(long)]
    keep: bool,
}

/// Options of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// The stack's name; several with different names run side by side
    #[arg(long, default_value = "local")]
    pub(crate) name: String,
    /// Return when the stack serves; `down` ends it
    #[arg(long)]
    pub(crate) detach: bool,
    /// The name of a host that the setup of repositories may reach by HTTPS; may be given several times
    #[arg(long = "setup-host", value_name = "HOST")]
    pub(crate) setup_hosts: Vec<HostName>,
}

/// Options of `down`.
#[derive(Debug, Args)]
pub(crate) struct DownOptions {
    /// The stack's name
    #[arg(long, default_value = "local")]
    pub(crate) name: String,
}

/// Options of `bench-home`.
#[derive(Debug, Args)]
pub(crate) struct BenchHomeOptions {
    /// Open gates, all of one person
    #[arg(long, default_value_t = 1_000)]
    pub(crate) gates: u32,
    /// How often the page is asked for
    #[arg(long, default_value_t = 30)]
    pub(crate) count: usize,
}

#[derive(Debug, Args)]
struct ContainOptions {
    /// How long the program gets between SIGTERM and SIGKILL, seconds
    #[arg(long, default_value_t = 30)]
    stop_seconds: u64,
    /// A folder that goes with the program
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    program: OsString,
}

/// Everything that `main` does.
pub fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("STACK_LOG").unwrap_or_else(|_| EnvFilter::new("warn,stack=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui::error(&anyhow::Error::from(error).context("threads cannot be started"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(cli.command));
    // A thread that waits for a line on the terminal must not keep the program.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| {
        ui::error(&error);
        ExitCode::FAILURE
    })
}

async fn run(command: Command) -> Result<ExitCode> {
    let toolchain = Toolchain::of_this_checkout();
    match command {
        Command::Contain(options) => {
            let grace = Duration::from_secs(options.stop_seconds);
            contain::run(&options.program, grace, options.scratch.as_deref()).await
        }
        Command::Demo(options) => {
            let scenarios = demo::shipped(&toolchain, &options.scenarios)?;
            demo::run(&toolchain, scenarios, &options, &interruption()?).await
        }
        Command::Run(RunOptions { folder, interactive, json, keep }) => {
            let options = DemoOptions { scenarios: Vec::new(), interactive, json, keep };
            let scenarios = vec![crate::scenario::Scenario::load(&folder)?];
            demo::run(&toolchain, scenarios, &options, &interruption()?).await
        }
        Command::BenchHome(options) => {
            let interrupted = interruption()?;
            let measured = interrupted.run_until_cancelled(bench_home::run(&toolchain, &options)).await;
            measured.unwrap_or(Ok(ExitCode::from(INTERRUPTED)))
        }
        Command::Up(options) => up::up(&toolchain, &options, &interruption()?).await,
        Command::Down(options) => up::down(&toolchain, &options).await,
    }
}

/// Cancelled when somebody asks the program to end: Ctrl-C, `kill`, or a terminal that is closed.
fn interruption() -> Result<CancellationToken> {
    let token = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (mut signals, token) = (signal(kind)?, token.clone());
        tokio::spawn(async move {
            signals.recv().await;
            token.cancel();
        });
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

//! Runs the simulator until it is interrupted.

use clap::Parser;
use github_sim::{Cli, GithubSim};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("github_sim=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let running = GithubSim::start(cli.config()?).await?;
    tracing::info!(api = running.api_base(), pages = running.html_base(), "the simulator is ready");
    tokio::signal::ctrl_c().await?;
    running.shutdown().await
}

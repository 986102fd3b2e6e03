//! Runs the simulated tracker on its own, until Ctrl-C.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use clap::Parser;
use flux_lens_sim::{Config, start};

/// The ticket tracker Flux Lens, simulated.
#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The bearer token of the REST API.
    #[arg(long, default_value_t = Config::default().token)]
    token: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { port, token } = Args::parse();
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = Config { bind, token, ..Config::default() };
    let sim = start(config).await.with_context(|| format!("cannot listen on {bind}"))?;
    writeln!(std::io::stdout(), "{}", sim.base_url())?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

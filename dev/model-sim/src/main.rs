//! Runs the scripted model on its own, until Ctrl-C. Scripts are registered over its control API.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use clap::Parser;
use model_sim::{Config, start};

/// A scripted model behind the Anthropic Messages and OpenAI Chat Completions protocols.
#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The provider key that clients must send.
    #[arg(long, default_value_t = Config::default().api_key)]
    api_key: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { port, api_key } = Args::parse();
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let sim = start(Config { bind, api_key, ..Config::default() })
        .await
        .with_context(|| format!("cannot listen on {bind}"))?;
    writeln!(std::io::stdout(), "{}", sim.base_url())?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

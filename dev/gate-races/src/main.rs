//! `cargo xtask races`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use testkit::World;

/// Let 32 callers decide one gate at once, again and again, and see whether row, audit trail and execution agree
#[derive(Parser)]
#[command(name = "cargo xtask races", bin_name = "cargo xtask races")]
struct Options {
    /// How many races
    #[arg(long, default_value_t = 500)]
    count: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Options { count } = Options::parse();
    let world = Arc::new(World::start().await);
    let start = Instant::now();
    let tally = gate_races::run(&world, count).await?;
    let won: Vec<String> = tally.won.iter().map(|(status, times)| format!("{status} {times}")).collect();
    // What the function measures goes to the standard output, as in its logs.
    writeln!(
        std::io::stderr(),
        "{} races of {} callers in {:.0} s: one winner each in row, audit trail and execution. {}; {} calls refused",
        tally.races,
        gate_races::CALLERS,
        start.elapsed().as_secs_f64(),
        won.join(", "),
        tally.refused
    )?;
    Ok(())
}

//! Measures the recognition of credentials (`domain::secrets`).
//!
//! - **Recall**: credentials of every common form are made up, planted in real source files, and looked for; those of the
//!   deployment, known by fingerprint alone, also in every encoding.
//! - **False alarms**: real source files become changes (a few of their lines are new), and what is found in a change
//!   and not before it is an alarm.

mod corpus;
pub mod encodings;
mod planted;
mod report;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

pub use report::Report;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask secrets", bin_name = "cargo xtask secrets")]
pub struct Options {
    /// Folder of source files; without it the sources of the packages that cargo has downloaded
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Most clean changes
    #[arg(long, default_value_t = 20_000)]
    changes: usize,
    /// Credentials of every form
    #[arg(long, default_value_t = 25)]
    each: usize,
    /// Also write the figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Show every alarm
    #[arg(long)]
    alarms: bool,
}

/// Measures, writes the figures to `out`, and succeeds when every planted credential was found and clean changes
/// raised at most one alarm in ten thousand.
///
/// # Errors
/// No corpus, or a file that cannot be written.
pub fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let files = corpus::files(options.corpus.as_deref())?;
    let report = Report::measure(&files, options.changes, options.each);
    report.print(out, options.alarms)?;
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

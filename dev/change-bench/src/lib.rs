//! Measures the way of a change set, from the agent's tree to the pull request, beside `git status` and `git diff` on
//! the same tree.
//!
//! What is timed is what is deployed: the runner's walk and archive, [`domain::verify`] with what the `workflow` function
//! gives it, and the publisher's second verification and publication, over HTTP, against the simulator of the code host.
//! What happens before an agent begins (unpacking the base commit and recording what is in it, Git's index) and the
//! objects' way through S3 are not timed.

mod change;
mod code_host;
mod figures;
mod git;
mod phases;
mod tree;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use camino::Utf8Path;
use clap::Parser;

use crate::change::Change;
use crate::code_host::CodeHost;
use crate::figures::Setting;
pub use crate::figures::{Figures, Round};
use crate::git::Git;
use crate::tree::Tree;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
pub struct Options {
    /// Files of the repository
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(10..=190_000))]
    files: u32,
    /// Files that are changed, added or deleted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    changes: u32,
    /// Rounds; one more, which is not counted, comes first
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Where the tree is made; without it the system's temporary folder
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Also write the figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Measures, writes the figures to `out`, and succeeds when they keep to the goal.
///
/// # Errors
/// Git is missing, the folder has no room, or a step refuses what it is given.
pub async fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    ensure!(options.changes <= options.files / 2, "there are too few files for that many changes");
    let folder = options.folder.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = tempfile::tempdir_in(&folder).with_context(|| format!("{} cannot be used", folder.display()))?;
    let scratch = Utf8Path::from_path(scratch.path()).context("the folder's name is not UTF-8")?;
    writeln!(out, "making a repository of {} files in {scratch}", options.files)?;
    let tree = Tree::make(scratch, options.files).await?;
    let git = Git::of(&tree.root, &scratch.join("git-home"))?;
    let code_host = CodeHost::start(&scratch.join("code-host"), &tree.root).await?;
    let mut figures = Figures { setting: Setting::new(&tree, &git)?, rounds: vec![] };
    for round in 0..=options.rounds {
        let change = Change::make(&tree, options.changes, round)?;
        let timed = phases::round(&tree, &git, &code_host, &change).await?;
        figures.setting.change = change.counts();
        if round > 0 {
            writeln!(out, "round {round} of {}: {timed}", options.rounds)?;
            figures.rounds.push(timed);
        }
    }
    figures.print(out)?;
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&figures.summary())?)?;
    }
    Ok(if figures.hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

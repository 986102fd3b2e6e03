//! The command line. Exit codes: 0 all trails hold, 1 one is broken, 2 something could not be checked or done.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use domain::Timestamp;
use domain::ids::WorkflowId;
use toolchain::Toolchain;

use crate::report::UNCHECKED;
use crate::source::{Selection, check, check_file, export};
use crate::target::Target;
use crate::{Report, keep};

/// The audit trails of a deployment.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask audit", bin_name = "cargo xtask audit", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether trails hold, and name the first bad entry of one that does not
    Verify(VerifyOptions),
    /// Write trails with their anchors as JSON Lines
    Export(ExportOptions),
    /// Anchor what the deployment has not anchored by itself
    Anchor(AnchorOptions),
}

#[derive(Debug, Args)]
struct VerifyOptions {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    place: Place,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExportOptions {
    #[command(flatten)]
    which: Which,
    /// The file to write; without it, standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct AnchorOptions {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

/// Which workflows.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// A workflow; may be given several times
    #[arg(long = "workflow", value_name = "ID")]
    workflows: Vec<WorkflowId>,
    /// Every workflow that the table lists or that was ever anchored
    #[arg(long)]
    all: bool,
}

/// The same, or a file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A workflow; may be given several times
    #[arg(long = "workflow", value_name = "ID")]
    workflows: Vec<WorkflowId>,
    /// Every workflow that the table lists or that was ever anchored
    #[arg(long)]
    all: bool,
    /// An exported file, without any access
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stack_name", "local"])]
    file: Option<PathBuf>,
}

/// Where the deployment is.
#[derive(Debug, Args)]
struct Place {
    /// The CloudFormation stack, in the account and region that the environment names
    #[arg(long, default_value = "pi-tickets", conflicts_with = "local")]
    stack_name: String,
    /// A stack that `cargo xtask up` started, by its name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "local")]
    local: Option<String>,
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        if which.all { Self::All } else { Self::Some(which.workflows) }
    }
}

impl Place {
    async fn target(&self) -> Result<Target> {
        match &self.local {
            None => Target::of_environment(&self.stack_name).await,
            Some(name) => Target::of_local(&Toolchain::of_this_checkout(), name).await,
        }
    }
}

/// Everything that `main` does.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime");
    let code = runtime.and_then(|runtime| runtime.block_on(run(command)));
    code.unwrap_or_else(|error| {
        // Where standard error is closed there is nobody left to tell.
        writeln!(io::stderr(), "could not be done: {error:#}").ok();
        ExitCode::from(UNCHECKED)
    })
}

async fn run(command: Command) -> Result<ExitCode> {
    let now = Timestamp::now();
    match command {
        Command::Verify(VerifyOptions { what: What { file: Some(file), .. }, json, .. }) => {
            let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            show(&check_file(&bytes).with_context(|| file.display().to_string())?, json)
        }
        Command::Verify(VerifyOptions { what: What { workflows, all, file: None }, place, json }) => {
            show(&check(&place.target().await?, Which { workflows, all }.into(), now).await?, json)
        }
        Command::Export(ExportOptions { which, output, place }) => {
            let target = place.target().await?;
            let number = match output {
                None => export(&target, which.into(), now, &mut io::stdout().lock()).await?,
                Some(path) => {
                    let file = std::fs::File::create(&path).with_context(|| format!("making {}", path.display()))?;
                    export(&target, which.into(), now, &mut io::BufWriter::new(file)).await?
                }
            };
            writeln!(io::stderr(), "{number} trail(s) exported")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Anchor(AnchorOptions { which, place }) => {
            let target = place.target().await?;
            let kept = keep(&target, which.into(), now).await?;
            ensure!(!kept.is_empty(), "there are no workflows");
            for one in &kept {
                writeln!(io::stdout(), "{one}")?;
            }
            Ok(if kept.iter().all(|one| one.result.is_ok()) { ExitCode::SUCCESS } else { ExitCode::from(UNCHECKED) })
        }
    }
}

fn show(report: &Report, json: bool) -> Result<ExitCode> {
    let text = if json { serde_json::to_string_pretty(report)? } else { report.to_text() };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(ExitCode::from(report.exit_code()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_checked_is_named_once() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        for good in [
            "audit verify --all",
            "audit verify --workflow wf-00000000000000000000-1 --workflow wf-00000000000000000000-2 --json",
            "audit verify --all --local",
            "audit verify --all --local mine",
            "audit verify --file x.jsonl",
            "audit export --all --output x.jsonl --stack-name other",
            "audit anchor --all",
        ] {
            parse(good).unwrap();
        }
        for bad in [
            "audit verify --all --workflow wf-00000000000000000000-1",
            "audit verify --workflow FL-1",
            "audit verify --all --file x.jsonl",
            "audit verify --all --stack-name x --local",
            "audit export --output x.jsonl",
            "audit anchor",
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.exit_code(), i32::from(UNCHECKED), "{bad}");
        }
    }
}

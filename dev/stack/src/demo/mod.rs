//! `demo` and `run`: scenarios one after another on one stack, before a person's eyes.

mod interactive;
mod print;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use toolchain::Toolchain;

use self::interactive::Prompt;
use self::print::Printer;
use crate::cli::{DemoOptions, INTERRUPTED};
use crate::folder;
use crate::scenario::{Decider, Played, RunResult, Scenario, Scripted, play};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::ui;

/// The use cases that `demo` shows when it is not told otherwise.
const USE_CASES: [&str; 3] = ["session-expiry-bug", "status-endpoint-feature", "shared-utilities-refactor"];

/// The file of `--json`.
#[derive(Serialize)]
struct Runs<'a> {
    runs: Vec<&'a RunResult>,
}

/// Reads shipped scenarios by name.
pub(crate) fn shipped(toolchain: &Toolchain, names: &[String]) -> Result<Vec<Scenario>> {
    let folders = crate::scenario::shipped(toolchain.root())?;
    let wanted: Vec<&str> =
        if names.is_empty() { USE_CASES.to_vec() } else { names.iter().map(String::as_str).collect() };
    let load = |name: &str| -> Result<Scenario> {
        let folder = folders.get(name).with_context(|| {
            let all: Vec<_> = folders.keys().map(String::as_str).collect();
            format!("there is no scenario `{name}`; there are: {}", all.join(", "))
        })?;
        Ok(Scenario::load(folder)?)
    };
    wanted.into_iter().map(load).collect()
}

/// Plays scenarios, and ends everything, whatever happens.
pub(crate) async fn run(
    toolchain: &Toolchain,
    scenarios: Vec<Scenario>,
    options: &DemoOptions,
    stop: &CancellationToken,
) -> Result<ExitCode> {
    let mut played = Vec::new();
    let result = all(toolchain, &scenarios, options, stop, &mut played).await;
    if let Some(file) = &options.json {
        write(file, &played)?;
    }
    if !played.is_empty() {
        print::table(&played);
    }
    result?;
    if stop.is_cancelled() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let is_good = played.len() == scenarios.len() && played.iter().all(|played| played.differences.is_empty());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays all, on as few stacks as their parameters allow, until told to stop.
async fn all(
    toolchain: &Toolchain,
    scenarios: &[Scenario],
    options: &DemoOptions,
    stop: &CancellationToken,
    played: &mut Vec<Played>,
) -> Result<()> {
    let mut prompt = options.interactive.then(Prompt::new);
    let (mut rest, mut number): (Vec<&Scenario>, _) = (scenarios.iter().collect(), 1);
    while let Some(first) = rest.first().copied() {
        let (now, later): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|scenario| scenario.parameters == first.parameters);
        let starting = start(toolchain, first.parameters.clone(), options, number);
        let Some(stack) = stop.run_until_cancelled(starting).await else { return Ok(()) };
        let stack = stack?;
        let result = stop.run_until_cancelled(in_turn(&stack, &now, prompt.as_mut(), played)).await;
        if result.is_none() {
            ui::step("stopping");
        }
        let kept = options.keep.then(|| stack.folder().to_owned());
        stack.stop().await;
        if let Some(folder) = kept {
            ui::step(format_args!("everything that the stack wrote is in {}", folder.display()));
        }
        let Some(result) = result else { return Ok(()) };
        result?;
        rest = later;
        number += 1;
    }
    Ok(())
}

async fn start(
    toolchain: &Toolchain,
    parameters: BTreeMap<String, String>,
    options: &DemoOptions,
    number: u32,
) -> Result<Stack> {
    let (name, parent) = (folder::name(number), toolchain.root().join(".stack"));
    folder::remove_stale(&parent);
    let mut settings = Settings::new(&name, parent.join(&name));
    settings.parameters = parameters;
    settings.keep_folder = options.keep;
    let began = Instant::now();
    let progress = spinner();
    let stack = Stack::start(toolchain, settings, &progress).await;
    progress.finish_and_clear();
    let stack = stack?;
    if options.keep {
        folder::mark_kept(stack.folder())?;
    }
    print::started(&stack, began.elapsed());
    Ok(stack)
}

/// A line that shows that something goes on.
pub(crate) fn spinner() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {elapsed:>4} {wide_msg}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(120));
    progress
}

async fn in_turn(
    stack: &Stack,
    scenarios: &[&Scenario],
    mut prompt: Option<&mut Prompt>,
    played: &mut Vec<Played>,
) -> Result<()> {
    for scenario in scenarios {
        let mut printer = Printer::begin(scenario);
        let mut script = Scripted::new(&scenario.decisions);
        let decider: &mut dyn Decider = match &mut prompt {
            Some(prompt) => {
                prompt.begin(&scenario.decisions);
                &mut **prompt
            }
            None => &mut script,
        };
        let done = play(stack, scenario, decider, &mut |happening| printer.tell(&happening)).await;
        let done = done.with_context(|| format!("the scenario {} broke off", scenario.name))?;
        Printer::end(&done);
        played.push(done);
    }
    Ok(())
}

fn write(file: &Path, played: &[Played]) -> Result<()> {
    let runs = Runs { runs: played.iter().map(|played| &played.result).collect() };
    let mut text = serde_json::to_string_pretty(&runs)?;
    text.push('\n');
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

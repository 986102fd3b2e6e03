//! All gates of a repository, in order, and the SPEC's checklist.
//!
//! First everything at the base commit, while nothing that the agent wrote can have run: what was there then is not
//! the agent's doing. Then base + change. Each command starts from the tree as setup left it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;
use std::time::Duration;

use anyhow::Context;
use domain::change_set::Change;
use domain::path::RepoPath;
use domain::qa::{BugProof, ChecklistResult, CommandResult, Ended, Finding, GateResult};
use domain::repo_config::{GateConfig, SetupConfig};
use domain::spec::{ChecklistItem, FileAction, SpecFile, VerifiedBy};
use domain::task::ProgressEvent;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::command::{CommandRunner, CommandSpec};
use super::counts::count;
use super::judge::{AtBase, Hearing, Ran, failure_on_base, judge};
use super::language::{Language, is_test_file, is_with_tests};
use super::probe::{Failure, Probes};
use super::stage::{Overlay, Stage};
use super::tamper::{self, ChangedText};
use super::{dependencies, probe};
use crate::progress::Progress;

/// Longest time of a checklist item's command.
const CHECK_LIMIT: Duration = Duration::from_mins(5);
/// The base commit's part of the time: one in so many. The change needs at least as much.
const BASE_SHARE: u32 = 2;
/// Failures are planted only if a gate takes less than one in so many parts of the time that is left.
const PROBE_SHARE: u32 = 4;
/// Rounds in which planted failures that went unnoticed are tried again.
const MAX_ROUNDS: u32 = 3;

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct GateRun<'a> {
    /// The gates, in order.
    pub gates: &'a [GateConfig],
    /// The command before them.
    pub setup: Option<&'a SetupConfig>,
    /// The SPEC's checklist.
    pub checklist: &'a [ChecklistItem],
    /// The SPEC's files.
    pub files: &'a [SpecFile],
    /// Whether a test should show a bug.
    pub bug: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResults {
    /// The setup command's result.
    pub setup: Option<CommandResult>,
    /// One result per gate.
    pub gates: Vec<GateResult>,
    /// One result per checklist item.
    pub checklist: Vec<ChecklistResult>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Whether a test shows the bug.
    pub bug_proof: Option<BugProof>,
}

/// Runs setup and gates at the base commit and on base + change.
///
/// # Errors
/// The trees cannot be made, or a command's log cannot be written.
pub async fn run_gates(
    run: GateRun<'_>,
    stage: Stage,
    changes: Overlay,
    runner: &CommandRunner,
    progress: &Progress,
) -> anyhow::Result<GateResults> {
    let mut gates = Gates { run, runner: runner.clone(), progress, stage: Some(stage), probes: no_probes(), changes };
    gates.all().await
}

fn no_probes() -> Probes {
    Probes::new(String::new(), vec![])
}

struct Gates<'a> {
    run: GateRun<'a>,
    runner: CommandRunner,
    progress: &'a Progress,
    stage: Option<Stage>,
    probes: Probes,
    changes: Overlay,
}

impl Gates<'_> {
    async fn all(&mut self) -> anyhow::Result<GateResults> {
        let nothing = self.changes.none();
        let whole = self.runner.deadline;
        self.runner.deadline = whole.min(Instant::now() + left(whole) / BASE_SHARE);
        let mut setup = self.set_up(&nothing).await?;
        let texts = self.changed_texts().await?;
        self.probes = self.choose_probes(&texts).await?;
        let mut base = Vec::new();
        for gate in self.run.gates {
            base.push(if worked(setup.as_ref()) { self.at_base(gate).await? } else { AtBase::default() });
        }
        self.runner.deadline = whole;
        let dependencies = self.dependencies(&texts);
        if !dependencies.is_empty() {
            setup = self.set_up(&dependencies).await?;
        }
        let ready = worked(setup.as_ref());
        let (mut results, mut findings) = (Vec::new(), Vec::new());
        for (gate, base) in self.run.gates.iter().zip(&base) {
            if ready {
                let (result, found) = self.changed(gate, base).await?;
                results.push(result);
                findings.extend(found);
            } else {
                results.push(not_run(gate));
            }
        }
        let mut checklist = Vec::new();
        for item in self.run.checklist {
            let passed = self.check(item, &results, ready).await?;
            checklist.push(ChecklistResult { text: item.text.clone(), verified_by: item.verified_by.clone(), passed });
        }
        let bug_proof = if self.run.bug && ready { Some(self.bug_proof(&texts, &base, &results).await?) } else { None };
        let commands: Vec<&str> = self.run.gates.iter().map(|gate| gate.command.as_str()).collect();
        findings.extend(tamper::check(&texts, &commands));
        findings.truncate(domain::qa::evidence::MAX_FINDINGS);
        Ok(GateResults { setup, gates: results, checklist, findings, bug_proof })
    }

    /// A fresh tree, and setup in it; `under` is there before setup.
    async fn set_up(&mut self, under: &Overlay) -> anyhow::Result<Option<CommandResult>> {
        let (overlay, title) =
            (under.clone(), if under.is_empty() { "setup" } else { "setup with the change's dependencies" });
        self.runner.products = vec![];
        self.on_stage(move |stage| stage.fresh(&overlay)).await?;
        let result = match self.run.setup {
            Some(setup) => {
                let spec = CommandSpec {
                    title: title.to_owned(),
                    command: setup.command.clone(),
                    limit: Duration::from_secs(setup.timeout),
                };
                let mut runner = self.runner.clone();
                runner.environment = runner.environment.without_install_scripts();
                Some(self.followed(&runner, &spec).await?.0)
            }
            None => None,
        };
        self.runner.products = self
            .on_stage(|stage| {
                stage.keep()?;
                Ok(stage.products().to_vec())
            })
            .await?;
        Ok(result)
    }

    /// What setup may see of the change: dependencies that the SPEC names.
    fn dependencies(&self, texts: &[ChangedText]) -> Overlay {
        let named = |path: &RepoPath| self.run.files.iter().any(|file| file.path == *path);
        let seen = |text: &ChangedText| {
            let path: RepoPath = text.path.parse().ok().filter(named)?;
            let changed = self.changes.content(&text.path)?;
            let bytes = dependencies::before_setup(&path, text.base.as_deref().map(str::as_bytes), changed)?;
            Some((text.path.clone(), bytes))
        };
        if self.run.setup.is_none() {
            return self.changes.none();
        }
        self.changes.files(texts.iter().filter_map(seen).collect())
    }

    async fn changed_texts(&mut self) -> anyhow::Result<Vec<ChangedText>> {
        let changes = self.changes.clone();
        self.on_stage(move |stage| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let texts = changes.entries().map(|entry| ChangedText {
                path: entry.path.clone(),
                base: stage.base_text(&entry.path),
                changed: changes.content_of(entry).map(text),
            });
            Ok(texts.collect())
        })
        .await
    }

    /// Test files of the base commit that stay, those that the change has first.
    async fn choose_probes(&mut self, texts: &[ChangedText]) -> anyhow::Result<Probes> {
        let changed: BTreeMap<String, bool> =
            texts.iter().map(|text| (text.path.clone(), text.changed.is_some())).collect();
        let files = self
            .on_stage(move |stage| {
                let (own, others): (Vec<_>, Vec<_>) = stage
                    .base()
                    .iter()
                    .map(|(path, _)| path)
                    .filter(|path| Language::of(path).is_some() && changed.get(*path) != Some(&false))
                    .partition(|path| changed.contains_key(*path));
                let holds_tests = |path: &&str| stage.base_text(path).is_some_and(|text| is_test_file(path, &text));
                let chosen = own.into_iter().chain(others).filter(holds_tests).take(probe::MAX_FILES);
                Ok(chosen.map(str::to_owned).collect())
            })
            .await?;
        Ok(Probes::new(format!("{:016x}", rand::random::<u64>()), files))
    }

    async fn at_base(&mut self, gate: &GateConfig) -> anyhow::Result<AtBase> {
        if self.runner.stop.is_cancelled() || left(self.runner.deadline).is_zero() {
            return Ok(AtBase::default());
        }
        let name = format!("{} on the base commit", gate.name);
        let (ran, _) = self.gate(gate, &name, &[]).await?;
        let mut base = AtBase { floor: ran.counts, ran: None, noticed: BTreeSet::new() };
        let deletions = self.deleted_tests();
        if base.floor.is_some() && !deletions.is_empty() {
            let name = format!("{} on the base commit without the tests that the SPEC deletes", gate.name);
            base.floor = self.gate(gate, &name, std::slice::from_ref(&deletions)).await?.0.counts;
        }
        if failure_on_base(&ran.result.ended).is_some() && self.has_time_for_probes(&ran) {
            let name = format!("{} on the base commit with planted failures", gate.name);
            base.noticed = self.noticed_at_base(gate, &name, &deletions, &ran).await?;
        }
        base.ran = Some(ran);
        Ok(base)
    }

    /// A runner that stops at its first failure notices one file of many: the others once more, a few times.
    async fn noticed_at_base(
        &mut self,
        gate: &GateConfig,
        name: &str,
        under: &Overlay,
        ran: &Ran,
    ) -> anyhow::Result<BTreeSet<Failure>> {
        let mut noticed = BTreeSet::new();
        let mut open: BTreeSet<usize> = (0..self.probes.files().len()).collect();
        for _ in 0..MAX_ROUNDS {
            if open.is_empty() || !self.has_time_for_probes(ran) {
                break;
            }
            let Some(more) = self.planted(gate, name, under, Some(&open)).await? else { break };
            let before = open.len();
            open.retain(|file| !more.iter().any(|(noticed, _)| noticed == file));
            noticed.extend(more);
            if open.len() == before {
                break;
            }
        }
        Ok(noticed)
    }

    /// Test files that the change deletes and the SPEC says so.
    fn deleted_tests(&self) -> Overlay {
        let named = |path: &str| {
            self.run.files.iter().any(|file| file.path.as_str() == path && file.action == FileAction::Delete)
        };
        self.changes.only(|entry| entry.change == Change::Deleted && is_with_tests(&entry.path) && named(&entry.path))
    }

    fn has_time_for_probes(&self, ran: &Ran) -> bool {
        !self.probes.files().is_empty()
            && Duration::from_millis(ran.result.duration_ms) * PROBE_SHARE < left(self.runner.deadline)
    }

    async fn changed(&mut self, gate: &GateConfig, base: &AtBase) -> anyhow::Result<(GateResult, Vec<Finding>)> {
        let changes = self.changes.clone();
        let (ran, _) = self.gate(gate, &gate.name, std::slice::from_ref(&changes)).await?;
        let hearing = if ran.result.passed() { self.hearing(gate, base, &changes).await? } else { Hearing::NotTried };
        Ok(judge(gate, base, ran, &self.probes, &hearing))
    }

    async fn hearing(&mut self, gate: &GateConfig, base: &AtBase, changes: &Overlay) -> anyhow::Result<Hearing> {
        if base.noticed.is_empty() {
            return Ok(Hearing::NotTried);
        }
        let name = format!("{} with planted failures", gate.name);
        let Some(noticed) = self.planted(gate, &name, changes, None).await? else { return Ok(Hearing::BrokeOff) };
        let mut missing: BTreeSet<Failure> = base.noticed.difference(&noticed).copied().collect();
        // A runner that stops at its first failure notices one of many: those that are missing once more, alone.
        for _ in 0..MAX_ROUNDS {
            if missing.is_empty() {
                break;
            }
            let only = missing.iter().map(|(file, _)| *file).collect();
            let Some(noticed) = self.planted(gate, &name, changes, Some(&only)).await? else {
                return Ok(Hearing::BrokeOff);
            };
            let before = missing.len();
            missing.retain(|failure| !noticed.contains(failure));
            if missing.len() == before {
                break;
            }
        }
        Ok(Hearing::Missing(missing))
    }

    /// Runs a gate with planted failures, in all files or only in some. `None`: it was cut off.
    async fn planted(
        &mut self,
        gate: &GateConfig,
        name: &str,
        under: &Overlay,
        only: Option<&BTreeSet<usize>>,
    ) -> anyhow::Result<Option<BTreeSet<Failure>>> {
        let paths: Vec<(usize, String)> = self.probes.files().iter().cloned().enumerate().collect();
        let mut files = Vec::new();
        for (file, path) in paths.into_iter().filter(|(file, _)| only.is_none_or(|only| only.contains(file))) {
            let wanted = path.clone();
            let text = match under.content(&path) {
                Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                None => self.on_stage(move |stage| Ok(stage.base_text(&wanted))).await?,
            };
            if let Some(planted) = text.and_then(|text| self.probes.plant(file, &text)) {
                files.push((path, planted.into_bytes()));
            }
        }
        let overlays = [under.clone(), self.changes.files(files)];
        let (ran, output) = self.gate(gate, name, &overlays).await?;
        Ok(match ran.result.ended {
            // It passes although tests fail.
            Ended::Exit { code: 0 } => Some(BTreeSet::new()),
            Ended::Exit { .. } | Ended::Signal { .. } => Some(self.probes.noticed(&output)),
            Ended::TimedOut | Ended::OutputLimit | Ended::NotStarted { .. } => None,
        })
    }

    async fn check(&mut self, item: &ChecklistItem, gates: &[GateResult], ready: bool) -> anyhow::Result<Option<bool>> {
        match &item.verified_by {
            VerifiedBy::Gate { name } => Ok(gates.iter().find(|gate| gate.name == *name).map(GateResult::passed)),
            VerifiedBy::Person => Ok(None),
            VerifiedBy::Command { .. } if !ready => Ok(Some(false)),
            VerifiedBy::Command { command } => {
                let title = format!("checklist: {}", item.text);
                let spec = CommandSpec { title, command: command.clone(), limit: CHECK_LIMIT };
                let changes = self.changes.clone();
                self.on_stage(move |stage| stage.reset(&[&changes])).await?;
                let tree = self.stage.as_ref().map(Stage::tree).unwrap_or_default();
                Ok(Some(self.runner.run(&spec, &tree).await?.passed()))
            }
        }
    }

    /// Runs the change's tests, and nothing else of it, on the base commit.
    async fn bug_proof(
        &mut self,
        texts: &[ChangedText],
        base: &[AtBase],
        results: &[GateResult],
    ) -> anyhow::Result<BugProof> {
        let holds_tests = |text: &ChangedText| {
            let changed = text.changed.as_deref().unwrap_or_default();
            is_with_tests(&text.path) && is_test_file(&text.path, changed)
        };
        if !texts.iter().any(holds_tests) {
            return Ok(BugProof::NoTests);
        }
        let tests = self.changes.only(|entry| entry.change != Change::Deleted && is_with_tests(&entry.path));
        let (mut gates, mut compared) = (Vec::new(), false);
        for ((gate, base), result) in self.run.gates.iter().zip(base).zip(results) {
            if !result.passed() || !base.ran.as_ref().is_some_and(|ran| ran.result.passed()) {
                continue;
            }
            let name = format!("{} on the base commit with the change's tests", gate.name);
            let (ran, _) = self.gate(gate, &name, std::slice::from_ref(&tests)).await?;
            match failure_on_base(&ran.result.ended) {
                Some(true) => gates.push(gate.name.clone()),
                Some(false) => {}
                None => continue,
            }
            compared = true;
        }
        Ok(match (gates.is_empty(), compared) {
            (false, _) => BugProof::Shown { gates },
            (true, true) => BugProof::NotShown,
            (true, false) => {
                BugProof::Unknown { reason: "no gate that passes now could be run on the base commit".to_owned() }
            }
        })
    }

    /// Runs a gate from a fresh start with `overlays` on top.
    async fn gate(&mut self, gate: &GateConfig, title: &str, overlays: &[Overlay]) -> anyhow::Result<(Ran, String)> {
        let overlays = overlays.to_vec();
        self.on_stage(move |stage| stage.reset(&overlays.iter().collect::<Vec<_>>())).await?;
        let spec = CommandSpec {
            title: title.to_owned(),
            command: gate.command.clone(),
            limit: Duration::from_secs(gate.timeout),
        };
        let runner = self.runner.clone();
        let (result, output) = self.followed(&runner, &spec).await?;
        let touched = self.on_stage(|stage| Ok(stage.touched()?)).await?.into_iter().collect();
        Ok((Ran { counts: count(&output), result, touched }, output))
    }

    /// Runs a command; the whole output where the log has it, else what the report has.
    async fn followed(&self, runner: &CommandRunner, spec: &CommandSpec) -> anyhow::Result<(CommandResult, String)> {
        let tree = self.stage.as_ref().map(Stage::tree).context("the stage is gone")?;
        let event = |passed, duration_ms| ProgressEvent::Gate { name: spec.title.clone(), passed, duration_ms };
        self.progress.emit(event(None, None));
        let before = std::fs::metadata(&runner.log).map_or(0, |log| log.len());
        let result = runner.run(spec, &tree).await?;
        self.progress.emit(event(Some(result.passed()), Some(result.duration_ms)));
        let output = if result.output_bytes <= runner.max_output_bytes {
            let mut log = tokio::fs::File::open(&runner.log).await?;
            log.seek(SeekFrom::Start(before)).await?;
            let mut own = Vec::new();
            log.read_to_end(&mut own).await?;
            String::from_utf8_lossy(&own).into_owned()
        } else {
            result.output.clone()
        };
        Ok((result, output))
    }

    /// Work on files, which can take a while.
    async fn on_stage<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Stage) -> anyhow::Result<R> + Send + 'static,
    ) -> anyhow::Result<R> {
        let mut stage = self.stage.take().context("the stage is gone")?;
        let (stage, result) = spawn_blocking(move || {
            let result = work(&mut stage);
            (stage, result)
        })
        .await?;
        self.stage = Some(stage);
        result
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn worked(setup: Option<&CommandResult>) -> bool {
    setup.is_none_or(CommandResult::passed)
}

fn not_run(gate: &GateConfig) -> GateResult {
    let ended = Ended::NotStarted { message: "setup failed".to_owned() };
    let result =
        CommandResult { command: gate.command.clone(), ended, duration_ms: 0, output: String::new(), output_bytes: 0 };
    GateResult { name: gate.name.clone(), required: gate.required, result, failed_on_base: None, tests: None }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

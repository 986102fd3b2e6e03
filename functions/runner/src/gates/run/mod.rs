//! All gates of a repository, in order, and the SPEC's checklist.
//!
//! First everything at the base commit, while nothing that the agent wrote can have run: what was there then is not
//! the agent's doing. Then base + change. Each command starts from the tree as setup left it.

mod execute;
mod planted;
mod setup;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::change_set::Change;
use domain::qa::{BugProof, ChecklistResult, CommandResult, Ended, Finding, GateResult};
use domain::repo_config::{GateConfig, SetupConfig};
use domain::spec::{ChecklistItem, FileAction, SpecFile, VerifiedBy};
use tokio::time::Instant;

use crate::gates::command::{CommandRunner, CommandSpec};
use crate::gates::judge::{AtBase, Hearing, failure_on_base, judge};
use crate::gates::language::{is_test_file, is_with_tests};
use crate::gates::probe::Probes;
use crate::gates::stage::{Overlay, Stage};
use crate::gates::tamper::{self, ChangedText};
use crate::packages::Doorway;
use crate::progress::Progress;

/// Longest time of a checklist item's command.
const CHECK_LIMIT: Duration = Duration::from_mins(5);
/// The base commit's part of the time: one in so many. The change needs at least as much.
const BASE_SHARE: u32 = 2;

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
    doorway: Doorway,
    progress: &Progress,
) -> anyhow::Result<GateResults> {
    let runner = runner.clone();
    let mut gates =
        Gates { run, runner, doorway: Some(doorway), progress, stage: Some(stage), probes: no_probes(), changes };
    gates.all().await
}

fn no_probes() -> Probes {
    Probes::new(String::new(), vec![])
}

struct Gates<'a> {
    run: GateRun<'a>,
    runner: CommandRunner,
    /// Until setup has run for the last time: nothing that the agent wrote can have run by then.
    doorway: Option<Doorway>,
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
        self.doorway = None;
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

    /// Test files that the change deletes and the SPEC says so.
    fn deleted_tests(&self) -> Overlay {
        let named = |path: &str| {
            self.run.files.iter().any(|file| file.path.as_str() == path && file.action == FileAction::Delete)
        };
        self.changes.only(|entry| entry.change == Change::Deleted && is_with_tests(&entry.path) && named(&entry.path))
    }

    async fn changed(&mut self, gate: &GateConfig, base: &AtBase) -> anyhow::Result<(GateResult, Vec<Finding>)> {
        let changes = self.changes.clone();
        let (ran, _) = self.gate(gate, &gate.name, std::slice::from_ref(&changes)).await?;
        let hearing = if ran.result.passed() { self.hearing(gate, base, &changes).await? } else { Hearing::NotTried };
        Ok(judge(gate, base, ran, &self.probes, &hearing))
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
mod tests;

//! All gates of a repository, in order, and the SPEC's checklist.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use domain::qa::{ChecklistResult, CommandResult, Ended, GateResult};
use domain::repo_config::{GateConfig, SetupConfig};
use domain::spec::{ChecklistItem, VerifiedBy};
use domain::task::ProgressEvent;

use super::command::{CommandRunner, CommandSpec};
use crate::progress::Progress;

/// Longest time of a checklist item's command.
const CHECK_LIMIT: Duration = Duration::from_mins(5);

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct GateRun<'a> {
    /// The gates, in order.
    pub gates: &'a [GateConfig],
    /// The command before them.
    pub setup: Option<&'a SetupConfig>,
    /// The SPEC's checklist.
    pub checklist: &'a [ChecklistItem],
}

/// The trees that commands run in.
pub trait Trees {
    /// Base + change set.
    fn changed(&self) -> &Utf8Path;

    /// A fresh tree of the base commit, made when it is first needed.
    ///
    /// # Errors
    /// It cannot be made.
    fn base(&self) -> std::io::Result<Utf8PathBuf>;
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
}

/// Runs setup and gates on the changed tree; a gate that fails is run on the base tree too.
///
/// # Errors
/// A command's log cannot be written, or the base tree cannot be made.
pub async fn run_gates(
    run: GateRun<'_>,
    trees: &impl Trees,
    runner: &CommandRunner,
    progress: &Progress,
) -> std::io::Result<GateResults> {
    let mut gates = Gates { runner, progress, trees, base: None, setup: run.setup };
    let setup = match run.setup {
        Some(setup) => Some(gates.setup(setup, trees.changed(), "setup").await?),
        None => None,
    };
    let ready = setup.as_ref().is_none_or(CommandResult::passed);
    let mut results = Vec::new();
    for gate in run.gates {
        results.push(if ready { gates.gate(gate).await? } else { not_run(gate) });
    }
    let mut checklist = Vec::new();
    for item in run.checklist {
        let passed = gates.check(item, &results, ready).await?;
        checklist.push(ChecklistResult { text: item.text.clone(), verified_by: item.verified_by.clone(), passed });
    }
    Ok(GateResults { setup, gates: results, checklist })
}

struct Gates<'a, T> {
    runner: &'a CommandRunner,
    progress: &'a Progress,
    trees: &'a T,
    /// The base tree, and whether setup worked in it.
    base: Option<(Utf8PathBuf, bool)>,
    setup: Option<&'a SetupConfig>,
}

impl<T: Trees> Gates<'_, T> {
    async fn setup(&self, setup: &SetupConfig, tree: &Utf8Path, title: &str) -> std::io::Result<CommandResult> {
        let spec = CommandSpec {
            title: title.to_owned(),
            command: setup.command.clone(),
            limit: Duration::from_secs(setup.timeout),
        };
        self.followed(title, &spec, tree).await
    }

    async fn gate(&mut self, gate: &GateConfig) -> std::io::Result<GateResult> {
        let result = self.followed(&gate.name, &gate_command(gate, ""), self.trees.changed()).await?;
        let failed_on_base = if result.passed() { None } else { self.fails_on_base(gate).await? };
        Ok(GateResult { name: gate.name.clone(), required: gate.required, result, failed_on_base, tests: None })
    }

    /// `None`: it cannot be found out.
    async fn fails_on_base(&mut self, gate: &GateConfig) -> std::io::Result<Option<bool>> {
        if self.runner.stop.is_cancelled() {
            return Ok(None);
        }
        let (tree, ready) = if let Some(base) = self.base.take() {
            base
        } else {
            let tree = self.trees.base()?;
            let ready = match self.setup {
                Some(setup) => self.setup(setup, &tree, "setup on the base commit").await?.passed(),
                None => true,
            };
            (tree, ready)
        };
        let failed = if ready {
            failure_on_base(&self.runner.run(&gate_command(gate, " on the base commit"), &tree).await?.ended)
        } else {
            None
        };
        self.base = Some((tree, ready));
        Ok(failed)
    }

    async fn check(&self, item: &ChecklistItem, gates: &[GateResult], ready: bool) -> std::io::Result<Option<bool>> {
        match &item.verified_by {
            VerifiedBy::Gate { name } => Ok(gates.iter().find(|gate| gate.name == *name).map(GateResult::passed)),
            VerifiedBy::Person => Ok(None),
            VerifiedBy::Command { .. } if !ready => Ok(Some(false)),
            VerifiedBy::Command { command } => {
                let title = format!("checklist: {}", item.text);
                let spec = CommandSpec { title, command: command.clone(), limit: CHECK_LIMIT };
                Ok(Some(self.runner.run(&spec, self.trees.changed()).await?.passed()))
            }
        }
    }

    async fn followed(&self, name: &str, spec: &CommandSpec, tree: &Utf8Path) -> std::io::Result<CommandResult> {
        let event = |passed, duration_ms| ProgressEvent::Gate { name: name.to_owned(), passed, duration_ms };
        self.progress.emit(event(None, None));
        let result = self.runner.run(spec, tree).await?;
        self.progress.emit(event(Some(result.passed()), Some(result.duration_ms)));
        Ok(result)
    }
}

fn gate_command(gate: &GateConfig, where_: &str) -> CommandSpec {
    CommandSpec {
        title: format!("{}{where_}", gate.name),
        command: gate.command.clone(),
        limit: Duration::from_secs(gate.timeout),
    }
}

/// Only a command that ended by itself says something about the base. One that was cut off, by its own limit or because
/// the run's time was used up, could have passed: to take that for a failure would let a change through that hangs.
const fn failure_on_base(ended: &Ended) -> Option<bool> {
    match ended {
        Ended::Exit { code } => Some(*code != 0),
        Ended::Signal { .. } => Some(true),
        Ended::TimedOut | Ended::OutputLimit | Ended::NotStarted { .. } => None,
    }
}

fn not_run(gate: &GateConfig) -> GateResult {
    let ended = Ended::NotStarted { message: "setup failed".to_owned() };
    let result =
        CommandResult { command: gate.command.clone(), ended, duration_ms: 0, output: String::new(), output_bytes: 0 };
    GateResult { name: gate.name.clone(), required: gate.required, result, failed_on_base: None, tests: None }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::command::tests::runner;
    use super::*;
    use crate::progress::tests::progress;
    use crate::testing::gate;
    use domain::task::RunKind;

    struct TwoTrees(Utf8PathBuf);

    impl Trees for TwoTrees {
        fn changed(&self) -> &Utf8Path {
            &self.0
        }

        fn base(&self) -> std::io::Result<Utf8PathBuf> {
            let base = self.0.join("../base");
            // A second call would fail: the tree is made once.
            std::fs::create_dir(&base)?;
            std::fs::write(base.join("version"), "old")?;
            Ok(base)
        }
    }

    async fn run(gates: &[GateConfig], setup: Option<&SetupConfig>, checklist: &[ChecklistItem]) -> GateResults {
        run_within(Duration::from_mins(1), gates, setup, checklist).await
    }

    async fn run_within(
        time: Duration,
        gates: &[GateConfig],
        setup: Option<&SetupConfig>,
        checklist: &[ChecklistItem],
    ) -> GateResults {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let trees = TwoTrees(root.join("changed"));
        std::fs::create_dir(&trees.0).unwrap();
        std::fs::write(trees.0.join("version"), "new").unwrap();
        let (progress, _) = progress(RunKind::Qa);
        let runner = CommandRunner { deadline: Instant::now() + time, ..runner(root) };
        run_gates(GateRun { gates, setup, checklist }, &trees, &runner, &progress).await.unwrap()
    }

    #[tokio::test]
    async fn a_regression_is_told_from_an_old_failure() {
        let gates =
            [gate("good", "true"), gate("regression", "grep old version"), gate("always red", "grep x version")];
        let results = run(&gates, None, &[]).await.gates;
        let verdicts: Vec<_> = results.iter().map(|gate| (gate.passed(), gate.failed_on_base, gate.blocks())).collect();
        assert_eq!(verdicts, [(true, None, false), (false, Some(false), true), (false, Some(true), false)]);
    }

    /// Had the base's run counted, which has no time left either, a change that hangs would be published.
    #[tokio::test]
    async fn a_change_that_uses_up_the_time_blocks() {
        let hangs = "grep -q old version || exec sleep 60";
        let gates = [gate("hangs", hangs), gate("later", "true")];
        let results = run_within(Duration::from_millis(300), &gates, None, &[]).await.gates;
        assert_eq!(results[0].result.ended, Ended::TimedOut);
        assert!(results.iter().all(|gate| gate.failed_on_base.is_none() && gate.blocks()), "{results:?}");
    }

    #[tokio::test]
    async fn setup_comes_first_and_its_failure_blocks_everything() {
        let setup = SetupConfig { command: "touch ready".to_owned(), timeout: 5 };
        let results = run(&[gate("needs setup", "test -e ready")], Some(&setup), &[]).await;
        assert!(results.gates[0].passed());
        let broken = SetupConfig { command: "exit 9".to_owned(), timeout: 5 };
        let results = run(&[gate("never", "touch ../ran")], Some(&broken), &[]).await;
        assert_eq!(results.setup.unwrap().ended, Ended::Exit { code: 9 });
        assert!(results.gates[0].blocks());
    }

    #[tokio::test]
    async fn the_checklist_is_answered_item_by_item() {
        let item = |verified_by| ChecklistItem { text: "t".to_owned(), verified_by };
        let checklist = [
            item(VerifiedBy::Gate { name: "good".to_owned() }),
            item(VerifiedBy::Gate { name: "unknown".to_owned() }),
            item(VerifiedBy::Command { command: "grep new version".to_owned() }),
            item(VerifiedBy::Command { command: "grep old version".to_owned() }),
            item(VerifiedBy::Person),
        ];
        let results = run(&[gate("good", "true")], None, &checklist).await.checklist;
        let passed: Vec<_> = results.iter().map(|item| item.passed).collect();
        assert_eq!(passed, [Some(true), None, Some(true), Some(false), None]);
    }
}

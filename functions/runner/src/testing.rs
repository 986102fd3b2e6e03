//! Values for this crate's unit tests, and commands without isolation, which has tests of its own.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use camino::Utf8Path;
use domain::path::RepoPath;
use isolation::sandbox::{Scope, Sockets};
use isolation::supervisor::Control;
use tokio::process::Command;

use domain::Digest;
use domain::budget::{Budget, Prices};
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::repo_config::GateConfig;
use domain::spec::{ChecklistItem, FileAction, SPEC_VERSION, Spec, SpecFile, SpecText, VerifiedBy};
use domain::task::{AgentWork, Download, ModelTarget, Provider, RunLimits, TASK_VERSION, Task, Work};

use crate::disk::{DiskWatch, Space};
use crate::sandbox::Sandbox;

/// Watches a disk that is full once `folder` has a file of this name.
pub(crate) fn full_with(name: &'static str, folder: &Path) -> DiskWatch {
    let measure = move |folder: &Utf8Path| {
        let bytes = if folder.join(name).exists() { 0 } else { 1_000 };
        Ok(Space { bytes, files: None })
    };
    DiskWatch::begin(Utf8Path::from_path(folder).unwrap(), Arc::new(measure)).unwrap()
}

/// Starts commands as they are.
#[derive(Debug)]
pub(crate) struct BareSandbox;

impl Sandbox for BareSandbox {
    fn layers(&self) -> Vec<String> {
        vec![]
    }

    fn divide(&self, _tree: &Utf8Path, _writable: &BTreeSet<RepoPath>) -> io::Result<()> {
        Ok(())
    }

    fn give(&self, _folder: &Utf8Path) -> io::Result<()> {
        Ok(())
    }

    fn sockets(&self, _count: u16) -> io::Result<Sockets> {
        Ok(Sockets { ports: vec![], listeners: vec![] })
    }

    fn prepare(
        &self,
        scope: &Scope,
        _ports: &[u16],
        command: &std::process::Command,
    ) -> io::Result<(Command, Option<Control>)> {
        let mut bare = Command::new(command.get_program());
        bare.args(command.get_args()).env_clear().current_dir(&scope.folder);
        bare.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ok((bare, None))
    }
}

pub(crate) fn spec() -> Spec {
    let ticket = TicketKey::flux_lens("FL-1");
    let file = |path: &str, action| SpecFile {
        path: path.parse().unwrap(),
        action,
        reason: "It is part of the change.".to_owned(),
        protection: None,
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("ticket"),
        base_commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        files: vec![file("src/a.txt", FileAction::Modify), file("src/new.txt", FileAction::Create)],
        amendment: None,
        text: SpecText {
            title: "Say hello".to_owned(),
            problem_statement: "It says nothing.".to_owned(),
            proposed_solution: "Let it say hello.".to_owned(),
            implementation_plan: vec!["Write it.".to_owned()],
            testing_strategy: "The existing tests.".to_owned(),
            verification_checklist: vec![ChecklistItem {
                text: "It says hello".to_owned(),
                verified_by: VerifiedBy::Gate { name: "test".to_owned() },
            }],
            risks: vec![],
            new_dependencies: vec![],
            confidence: 0.9,
            estimated_usd: 0.1,
            estimated_minutes: 5,
        },
    }
}

pub(crate) fn agent_work() -> AgentWork {
    let spec = spec();
    AgentWork {
        spec_digest: spec.digest().unwrap(),
        spec,
        ticket_title: "Hello is missing".to_owned(),
        feedback: Some("The gate `test` failed.".to_owned()),
        previous_changes: Some(download("previous")),
        model: ModelTarget {
            provider: Provider::Anthropic,
            base_url: "http://127.0.0.1:1".to_owned(),
            model: "m".to_owned(),
            prices: Prices { input: 3_000_000, cached_input: 300_000, output: 15_000_000 },
        },
        budget: Budget { max_tokens: 100_000, max_micro_usd: 1_000_000, max_turns: 20 },
        gates: vec![gate("test", "sh test.sh")],
        setup: None,
        changes_url: "http://127.0.0.1:1/changes".to_owned(),
        session_url: "http://127.0.0.1:1/session".to_owned(),
    }
}

pub(crate) fn gate(name: &str, command: &str) -> GateConfig {
    GateConfig { name: name.to_owned(), command: command.to_owned(), required: true, timeout: 30 }
}

pub(crate) fn agent_task(work: AgentWork) -> Task {
    Task {
        version: TASK_VERSION,
        workflow_id: work.spec.workflow_id.clone(),
        attempt: Attempt::FIRST,
        ticket: work.spec.ticket.clone(),
        base_commit: work.spec.base_commit.clone(),
        workspace: download("workspace"),
        report_url: "http://127.0.0.1:1/report".to_owned(),
        limits: limits(),
        packages: domain::packages::PackageSources::default(),
        work: Work::Agent(Box::new(work)),
    }
}

pub(crate) fn limits() -> RunLimits {
    RunLimits {
        total_seconds: 60,
        silence_seconds: 30,
        max_file_bytes: 1_000_000,
        max_total_bytes: 4_000_000,
        max_files: 100,
        max_output_bytes: 100_000,
    }
}

fn download(name: &str) -> Download {
    Download { url: format!("http://127.0.0.1:1/{name}"), digest: Digest::of(name) }
}

//! What the tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::ids::{Generation, TicketKey, WorkflowId};
use domain::workflow::Workflow;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use stack::scenario::{Played, Scenario, Scripted, play};
use stack::{Settings, Stack};
use store::StoreError;
use tempfile::TempDir;
use toolchain::{Component, Silent, Toolchain};

const LIMIT: Duration = Duration::from_mins(2);

/// A stack in a temporary folder.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn start(name: &str, parameters: &BTreeMap<String, String>) -> Self {
        let toolchain = Toolchain::of_this_checkout();
        toolchain.ensure(&[Component::Engine, Component::NodeRuntime, Component::Pi], &Silent).unwrap();
        let folder = tempfile::Builder::new().prefix("pi-tickets-test-").tempdir().unwrap();
        let mut settings = Settings::new(name, folder.path().join("stack"));
        settings.parameters = parameters.clone();
        // What is retried with pauses of minutes is retried at once.
        settings.wait_scale = 0.01;
        let stack = Stack::start(&toolchain, settings, &ProgressBar::hidden()).await.unwrap();
        Self { stack, folder }
    }

    pub(crate) async fn play(&self, scenario: &Scenario) -> Played {
        let mut decider = Scripted::new(&scenario.decisions);
        match play(&self.stack, scenario, &mut decider, &mut |_| {}).await {
            Ok(played) => played,
            Err(error) => panic!("{}: {error:#}", scenario.name),
        }
    }

    /// The workflow of a ticket, when it has ended.
    pub(crate) async fn end_of(&self, ticket: &str) -> Workflow {
        let id = workflow_id(ticket);
        let started = Instant::now();
        loop {
            match self.stack.store().workflow(&id).await {
                Ok(workflow) if workflow.state.is_terminal() => return workflow,
                Ok(_) | Err(StoreError::NotFound(_)) if started.elapsed() < LIMIT => {}
                other => panic!("{ticket} did not end: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a ticket has a workflow.
    pub(crate) async fn has_workflow(&self, ticket: &str) -> bool {
        self.stack.store().workflow(&workflow_id(ticket)).await.is_ok()
    }

    /// Ends the stack, and proves that its folder is gone.
    pub(crate) async fn stop(self) {
        let folder = self.stack.folder().to_owned();
        self.stack.stop().await;
        assert!(!folder.exists(), "{} stays", folder.display());
        drop(self.folder);
    }
}

pub(crate) fn workflow_id(ticket: &str) -> WorkflowId {
    WorkflowId::derive(&TicketKey::flux_lens(ticket), Generation::FIRST)
}

/// Every shipped scenario.
pub(crate) fn shipped() -> Vec<Scenario> {
    let folders = stack::scenario::shipped(Toolchain::of_this_checkout().root()).unwrap();
    folders.values().map(|folder| Scenario::load(folder).unwrap()).collect()
}

/// One shipped scenario.
pub(crate) fn scenario(name: &str) -> Scenario {
    shipped().into_iter().find(|scenario| scenario.name == name).unwrap()
}

/// A ticket, as `ticket.json` has it.
pub(crate) fn ticket(id: &str, repository: &str) -> Value {
    json!({"id": id, "title": "Say hello to everybody", "description": "`hello.sh` greets nobody.",
        "repository": repository, "base_branch": "main"})
}

/// A small scenario about a shell script, whose model answers these lines.
pub(crate) fn small(folder: &Path, id: &str, model: &[Value], decisions: &Value, expect: &Value) -> Scenario {
    let name = id.to_lowercase();
    let folder = folder.join(&name);
    fs::create_dir_all(folder.join("repo")).unwrap();
    let write = |file: &str, text: String| fs::write(folder.join(file), text).unwrap();
    write("repo/hello.sh", "echo hello\n".to_owned());
    write("repo/.pi-tickets.toml", "[[gate]]\nname = \"test\"\ncommand = \"sh hello.sh\"\n".to_owned());
    write("ticket.json", ticket(id, &format!("acme/{name}")).to_string());
    write("model.jsonl", model.iter().map(|line| format!("{line}\n")).collect());
    write("decisions.json", decisions.to_string());
    write("expect.json", expect.to_string());
    Scenario::load(&folder).unwrap()
}

/// A line of the planner's model that proposes a change of `hello.sh`.
pub(crate) fn spec() -> Value {
    let input = json!({
        "title": "Greet everybody", "problem_statement": "Nobody is greeted.", "proposed_solution": "Greet everybody.",
        "testing_strategy": "Run it.", "files": [{"path": "hello.sh", "action": "modify", "reason": "It greets."}],
        "implementation_plan": ["Change the greeting."],
        "verification_checklist": [{"text": "It runs", "verified_by": {"kind": "gate", "name": "test"}}],
        "risks": [], "new_dependencies": [], "confidence": 0.9, "estimated_usd": 0.01, "estimated_minutes": 1
    });
    json!({"for": "plan", "respond": [{"tool": "submit_spec", "input": input}]})
}

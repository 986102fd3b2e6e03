//! Comparing what came of a run with what was expected.

use std::fmt;

use anyhow::Result;
use domain::Timestamp;
use domain::slot::SlotPool;
use domain::workflow::Workflow;

use super::collect::file_on_main;
use super::expect::{Broken, PrState};
use super::load::Scenario;
use super::result::RunResult;
use crate::deploy::told;
use crate::stack::Stack;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was looked at: the key in `expect.json`, or in words.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// The longest text that is shown of what was found, characters.
const SHOWN: usize = 400;

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{} … ({} bytes)", &text[..at], text.len()),
        None => text,
    }
}

/// Gathers differences.
#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn note(&mut self, what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) {
        self.0.push(Difference { what: what.into(), expected: expected.into(), found: shortened(found.into()) });
    }

    fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &str, expected: &T, found: &T) {
        if expected != found {
            self.note(what, format!("{expected:?}"), format!("{found:?}"));
        }
    }

    fn same_in_any_order<T: Ord + Clone + fmt::Debug>(&mut self, what: &str, expected: &[T], found: &[T]) {
        let sorted = |items: &[T]| {
            let mut items = items.to_vec();
            items.sort();
            items
        };
        self.equal(what, &sorted(expected), &sorted(found));
    }

    fn contains(&mut self, what: &str, expected: &str, found: &str) {
        if !found.to_lowercase().contains(&expected.to_lowercase()) {
            self.note(what, format!("something with {expected:?}"), format!("{found:?}"));
        }
    }
}

/// Everything that does not hold: what `expect.json` says, and what holds for every run.
pub(super) async fn check(
    stack: &Stack,
    scenario: &Scenario,
    workflow: &Workflow,
    result: &RunResult,
) -> Result<Vec<Difference>> {
    let mut differences = Differences::default();
    workflow_itself(scenario, result, &mut differences);
    surroundings(scenario, result, &mut differences);
    repository(stack, scenario, result, &mut differences).await?;
    always(stack, workflow, &mut differences).await?;
    Ok(differences.0)
}

fn workflow_itself(scenario: &Scenario, result: &RunResult, differences: &mut Differences) {
    let expect = &scenario.expect;
    let states: Vec<_> = result.states.iter().map(|line| line.state).collect();
    if expect.state != result.state {
        let reason = result.reason.as_deref().unwrap_or("no reason");
        differences.note("state", expect.state.as_str(), format!("{} ({reason})", result.state));
    }
    if let Some(expected) = &expect.states {
        differences.equal("states", expected, &states);
    }
    for never in &expect.never_states {
        if states.contains(never) {
            differences.note("never_states", format!("never {never}"), format!("{states:?}"));
        }
    }
    if let Some(text) = &expect.reason_contains {
        let last = result.states.last().and_then(|line| line.reason.as_deref()).unwrap_or_default();
        differences.contains("reason_contains", text, last);
    }
    if let Some(expected) = &expect.attempts {
        differences.equal("attempts", expected, &result.attempts);
    }
    if let Some(expected) = &expect.spec_revisions {
        differences.equal("spec_revisions", expected, &result.spec.revisions);
    }
    if let Some(expected) = &expect.spec_files {
        differences.same_in_any_order("spec_files", expected, &result.spec.files);
    }
    if let Some(expected) = &expect.changes {
        differences.same_in_any_order("changes", expected, &result.changes);
    }
    if let Some(expected) = &expect.violations {
        let found: Vec<_> = result.violations.iter().map(|v| Broken { path: v.path.clone(), kind: v.kind }).collect();
        differences.same_in_any_order("violations", expected, &found);
    }
    if let Some(expected) = &expect.qa {
        qa(expected, result, differences);
    }
    if let Some(expected) = &expect.usage {
        if let Some(expected) = &expected.input_tokens {
            differences.equal("usage.input_tokens", expected, &result.usage.input_tokens);
        }
        if let Some(expected) = &expected.output_tokens {
            differences.equal("usage.output_tokens", expected, &result.usage.output_tokens);
        }
    }
}

fn qa(expected: &super::expect::Qa, result: &RunResult, differences: &mut Differences) {
    let Some(found) = &result.qa else {
        return differences.note("qa", "a report", "none");
    };
    if let Some(passed) = &expected.passed {
        differences.equal("qa.passed", passed, &found.passed);
    }
    if let Some(gates) = &expected.gates {
        let expected: Vec<_> = gates.iter().map(|gate| (gate.name.as_str(), gate.passed)).collect();
        let found: Vec<_> = found.gates.iter().map(|gate| (gate.name.as_str(), gate.passed)).collect();
        differences.equal("qa.gates", &expected, &found);
    }
}

fn surroundings(scenario: &Scenario, result: &RunResult, differences: &mut Differences) {
    if let Some(expected) = &scenario.expect.pr {
        let found = result.pr.as_ref().map_or(PrState::None.as_str(), |pr| pr.state);
        differences.equal("pr.state", &expected.state.as_str(), &found);
    }
    if let Some(expected) = &scenario.expect.ticket {
        if let Some(status) = &expected.status {
            differences.equal("ticket.status", &status.to_string(), &result.ticket.status);
        }
        for text in &expected.comments_contain {
            let wanted = text.to_lowercase();
            if !result.ticket.comments.iter().any(|comment| comment.to_lowercase().contains(&wanted)) {
                let comments = format!("{:#?}", result.ticket.comments);
                differences.note("ticket.comments_contain", format!("a comment with {text:?}"), comments);
            }
        }
    }
}

async fn repository(
    stack: &Stack,
    scenario: &Scenario,
    result: &RunResult,
    differences: &mut Differences,
) -> Result<()> {
    for contains in &scenario.expect.main_contains {
        match file_on_main(stack, scenario, &contains.path).await? {
            Some(text) if text.contains(&contains.text) => {}
            found => {
                let found = found.map_or_else(|| "no such file".to_owned(), |text| format!("{text:?}"));
                differences.note(format!("main_contains {}", contains.path), format!("{:?}", contains.text), found);
            }
        }
    }
    for lacks in &scenario.expect.main_lacks {
        let file = file_on_main(stack, scenario, &lacks.path).await?;
        let what = format!("main_lacks {}", lacks.path);
        match (file, &lacks.text) {
            (Some(_), None) => differences.note(what, "no such file", "it exists"),
            (Some(file), Some(text)) if file.contains(text) => {
                differences.note(what, format!("not {text:?}"), format!("{file:?}"));
            }
            _ => {}
        }
    }
    // What is merged is on the base branch, whatever `expect.json` says about files.
    let merge =
        result.pr.as_ref().filter(|pr| pr.state == PrState::Merged.as_str()).and_then(|pr| pr.merge_sha.as_ref());
    if let Some(merge) = merge
        && Some(merge) != result.main_sha.as_ref()
    {
        differences.note("the base branch", format!("the merge {merge}"), format!("{:?}", result.main_sha));
    }
    Ok(())
}

/// What holds for every run.
async fn always(stack: &Stack, workflow: &Workflow, differences: &mut Differences) -> Result<()> {
    let id = &workflow.id;
    if !workflow.state.is_terminal() {
        differences.note("the last state", "a terminal one", workflow.state.as_str());
    }
    let evidence = stack.store().evidence(stack.anchors(), id, Timestamp::now()).await?;
    if let Err(broken) = evidence.verify() {
        differences.note("the audit trail", "an unbroken chain", broken.to_string());
    }
    for pool in SlotPool::ALL {
        if stack.slots().holders(pool).await?.contains(id) || stack.slots().is_waiting(pool, id).await? {
            differences.note(format!("the {} slots", pool.as_str()), "none held", "one held");
        }
    }
    if let Some(gate) = &workflow.open_gate {
        differences.note("the gates", "none open", format!("{gate} is open"));
    }
    for row in stack.store().outbox(id).await? {
        if row.sent_at.is_none() {
            let message = format!("{:?}", row.message.notice);
            differences.note(
                format!("message {} to {}", row.seq, row.channel.as_str()),
                "it was sent",
                format!("it was not: {message}"),
            );
        }
    }
    tasks(stack, workflow, differences).await?;
    execution(stack, workflow, differences).await
}

async fn tasks(stack: &Stack, workflow: &Workflow, differences: &mut Differences) -> Result<()> {
    let (ecs, cluster) = (&stack.aws().ecs, stack.outputs().get("ClusterArn")?);
    let listed = ecs.list_tasks().cluster(cluster).send().await.map_err(told)?.task_arns.unwrap_or_default();
    if listed.is_empty() {
        return Ok(());
    }
    let described = ecs.describe_tasks().cluster(cluster).set_tasks(Some(listed)).send().await.map_err(told)?;
    for task in described.tasks() {
        if task.group() == Some(workflow.id.as_str()) && task.last_status() != Some("STOPPED") {
            differences.note("the sandboxes", "none left", task.task_arn().unwrap_or("one left"));
        }
    }
    Ok(())
}

async fn execution(stack: &Stack, workflow: &Workflow, differences: &mut Differences) -> Result<()> {
    let machine = stack.outputs().get("StateMachineArn")?;
    let arn = format!("{}:{}", machine.replace(":stateMachine:", ":execution:"), workflow.id);
    let execution = stack.aws().states.describe_execution().execution_arn(arn).send().await.map_err(told)?;
    if execution.status() == &aws_sdk_sfn::types::ExecutionStatus::Running {
        differences.note("the state machine", "an ended execution", "it runs");
    }
    Ok(())
}

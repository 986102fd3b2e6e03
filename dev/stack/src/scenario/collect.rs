//! Reading what came of a run from the systems themselves.

use std::path::Path;

use anyhow::{Context as _, Result};
use domain::audit::AuditEntry;
use domain::budget::Usage;
use domain::change_set::Change;
use domain::gate::GateKind;
use domain::ids::{Attempt, WorkflowId};
use domain::qa::QaReport;
use domain::spec::{FileAction, Spec};
use domain::task::{RunKind, RunReport};
use domain::verify::Violation;
use domain::workflow::{Event, Workflow};
use domain::{Timestamp, WorkflowState};
use serde_json::Value;
use store::keys::objects;

use super::expect::{FileChange, PrState};
use super::load::Scenario;
use super::result::{Durations, Gate, Pr, Qa, RunResult, SpecFacts, Spent, StateLine, Ticket};
use super::slack;
use crate::stack::Stack;

/// The largest object that is read, bytes.
const MAX_OBJECT: u64 = 64 * 1024 * 1024;

/// The states of a trail. `reason` is that of the end.
pub(super) fn lines(trail: &[AuditEntry], reason: Option<&str>) -> Vec<StateLine> {
    let moves = trail.iter().enumerate().filter(|(number, entry)| *number == 0 || entry.from != entry.to);
    let line = |(_, entry): (usize, &AuditEntry)| StateLine {
        state: entry.to,
        at: entry.at,
        by: entry.actor.label(),
        reason: if entry.to.is_terminal() {
            reason.map(str::to_owned).or_else(|| why(&entry.event))
        } else {
            why(&entry.event)
        },
    };
    moves.map(line).collect()
}

/// The reason that an event gives.
fn why(event: &Event) -> Option<String> {
    match event {
        Event::CancelRequested { reason }
        | Event::FoundUnsuitable { reason, .. }
        | Event::SpecWentStale { reason }
        | Event::AttemptFailed { reason, .. }
        | Event::ScopeChangeRefused { reason, .. }
        | Event::MergeConflict { reason }
        | Event::PrClosed { reason } => Some(reason.clone()),
        Event::ScopeChangeProposed { agent_reason, .. } => Some(agent_reason.clone()),
        Event::GateDecided { comment, .. } | Event::Resumed { comment, .. } => comment.clone(),
        Event::Failed { failure } => Some(failure.to_string()),
        _ => None,
    }
}

/// Reads everything about a workflow.
pub(super) async fn collect(stack: &Stack, scenario: &Scenario, workflow: &Workflow) -> Result<RunResult> {
    let id = &workflow.id;
    let trail = stack.store().audit_trail(id).await?;
    let attempts: Vec<Attempt> = trail.iter().filter_map(prepared).collect();
    let last = attempts.last().copied();
    let (agent, qa_time) = sandboxes(stack, id, &attempts).await?;
    let qa = match trail.iter().rev().find_map(tested) {
        Some(attempt) => report::<QaReport>(stack, &objects::qa_json(id, attempt)).await?,
        None => None,
    };
    let total = workflow.ledger.total();
    Ok(RunResult {
        scenario: scenario.name.clone(),
        ticket_id: scenario.ticket_id.clone(),
        title: scenario.ticket.title.clone(),
        url: format!("{}/workflows/{id}", stack.url()),
        workflow_id: id.clone(),
        state: workflow.state,
        reason: workflow.reason.clone(),
        states: lines(&trail, workflow.reason.as_deref()),
        durations_ms: durations(&trail, agent, qa_time),
        spec: spec(stack, workflow, &trail).await?,
        changes: changes(stack, id, last).await?,
        violations: last.map(|last| violations(&trail, last)).unwrap_or_default(),
        qa: qa.as_ref().map(in_brief),
        pr: pull(stack, scenario, workflow).await?,
        ticket: ticket(stack, scenario)?,
        slack: slack::said(stack, id),
        usage: spent(total),
        attempts: u32::try_from(attempts.len())?,
        main_sha: main_sha(stack, scenario).await?,
        differences: Vec::new(),
    })
}

fn prepared(entry: &AuditEntry) -> Option<Attempt> {
    if let Event::RunPrepared { attempt, .. } = entry.event { Some(attempt) } else { None }
}

fn tested(entry: &AuditEntry) -> Option<Attempt> {
    if let Event::QaFinished { attempt, .. } = entry.event { Some(attempt) } else { None }
}

fn violations(trail: &[AuditEntry], last: Attempt) -> Vec<Violation> {
    let of_last = trail.iter().rev().find_map(|entry| match &entry.event {
        Event::AttemptFailed { attempt, violations, .. } if *attempt == last => Some(violations.clone()),
        _ => None,
    });
    of_last.unwrap_or_default()
}

fn spent(usage: Usage) -> Spent {
    Spent {
        input_tokens: usage.input_tokens + usage.cached_input_tokens,
        output_tokens: usage.output_tokens,
        usd: usage.usd(),
        model_calls: usage.turns,
    }
}

/// The sum of the sandboxes' times, agent and QA, milliseconds.
async fn sandboxes(stack: &Stack, id: &WorkflowId, attempts: &[Attempt]) -> Result<(u64, u64)> {
    let (mut agent, mut qa) = (0, 0);
    for attempt in attempts {
        for (kind, sum) in [(RunKind::Agent, &mut agent), (RunKind::Qa, &mut qa)] {
            let report = report::<RunReport>(stack, &objects::report(id, *attempt, kind)).await?;
            *sum += report.map_or(0, |report| report.duration_ms);
        }
    }
    Ok((agent, qa))
}

/// Reads an object of JSON, if it is there.
async fn report<T: serde::de::DeserializeOwned>(stack: &Stack, key: &str) -> Result<Option<T>> {
    let Some(bytes) = stack.objects().try_get(key, MAX_OBJECT).await? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).with_context(|| format!("the object {key} is of another form"))
}

async fn spec(stack: &Stack, workflow: &Workflow, trail: &[AuditEntry]) -> Result<SpecFacts> {
    let asked = trail.iter().filter(|entry| matches!(entry.event, Event::GateOpened { kind: GateKind::Spec, .. }));
    let proposed = trail.iter().rev().find_map(|entry| match entry.event {
        Event::SpecProposed { revision, .. } | Event::ScopeChangeProposed { revision, .. } => Some(revision),
        _ => None,
    });
    let spec = match proposed {
        Some(revision) => report::<Spec>(stack, &objects::spec_json(&workflow.id, revision)).await?,
        None => None,
    };
    let files = spec.map(|spec| spec.files.iter().map(|file| file.path.to_string()).collect());
    Ok(SpecFacts { revisions: u32::try_from(asked.count())?, files: files.unwrap_or_default() })
}

/// The last attempt's change set, whether or not it was accepted.
async fn changes(stack: &Stack, id: &WorkflowId, last: Option<Attempt>) -> Result<Vec<FileChange>> {
    let Some(last) = last else { return Ok(Vec::new()) };
    let Some(archive) = stack.objects().try_get(&objects::changes(id, last), MAX_OBJECT).await? else {
        return Ok(Vec::new());
    };
    // An archive that cannot be read is a violation, and shows as that.
    let Ok(set) = store::change_set::read(&archive) else { return Ok(Vec::new()) };
    let entries = set.manifest.entries.into_iter().map(|entry| FileChange {
        action: match entry.change {
            Change::Deleted => FileAction::Delete,
            Change::Written { existed: false, .. } | Change::Rejected { existed: false, .. } => FileAction::Create,
            Change::Written { .. } | Change::Rejected { .. } => FileAction::Modify,
        },
        path: entry.path,
    });
    Ok(entries.collect())
}

fn in_brief(report: &QaReport) -> Qa {
    let gate = |gate: &domain::qa::GateResult| Gate {
        name: gate.name.clone(),
        passed: gate.passed(),
        blocks: gate.blocks(),
        duration_ms: gate.result.duration_ms,
    };
    Qa { passed: report.passed(), gates: report.gates.iter().map(gate).collect() }
}

/// The repository, as the GitHub simulator has it.
pub(super) async fn repository(stack: &Stack, scenario: &Scenario) -> Result<Value> {
    let state = stack.github()?.state().await.map_err(|error| anyhow::anyhow!("{}", error.message))?;
    let repositories = state["repositories"].as_array().cloned().unwrap_or_default();
    let ours = repositories.into_iter().find(|repo| repo["full_name"] == scenario.ticket.repository.as_str());
    Ok(ours.unwrap_or_default())
}

async fn pull(stack: &Stack, scenario: &Scenario, workflow: &Workflow) -> Result<Option<Pr>> {
    let repository = repository(stack, scenario).await?;
    let pulls = repository["pulls"].as_array().cloned().unwrap_or_default();
    let Some(pull) = pulls.last() else { return Ok(None) };
    let state = match (pull["merged"].as_bool(), pull["state"].as_str()) {
        (Some(true), _) => PrState::Merged,
        (_, Some("open")) => PrState::Open,
        _ => PrState::Closed,
    };
    let known = workflow.pr.as_ref();
    Ok(Some(Pr {
        number: pull["number"].as_u64().unwrap_or_default(),
        url: known.map(|pr| pr.url.clone()).or_else(|| text(&pull["html_url"])).unwrap_or_default(),
        head_sha: text(&pull["head"]["sha"]).unwrap_or_default(),
        merge_sha: text(&pull["merge_commit_sha"]),
        state: state.as_str(),
    }))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn ticket(stack: &Stack, scenario: &Scenario) -> Result<Ticket> {
    let state = stack.flux_lens().state();
    let record = state.ticket(&scenario.ticket_id).context("Flux Lens has lost the ticket")?;
    let comments = record.comments.iter().map(|comment| comment.body.clone()).collect();
    Ok(Ticket { status: record.status.to_string(), comments })
}

async fn main_sha(stack: &Stack, scenario: &Scenario) -> Result<Option<String>> {
    let branch = scenario.ticket.base_branch.as_deref().unwrap_or("main");
    Ok(text(&repository(stack, scenario).await?["branches"][branch]))
}

/// A file on the base branch, read by git from the bare repository.
pub(super) async fn file_on_main(stack: &Stack, scenario: &Scenario, path: &str) -> Result<Option<String>> {
    let repository = repository(stack, scenario).await?;
    let git_dir = repository["git_dir"].as_str().context("the repository does not exist")?;
    let branch = scenario.ticket.base_branch.as_deref().unwrap_or("main");
    let output = tokio::process::Command::new("git")
        .arg("--git-dir")
        .arg(Path::new(git_dir))
        .args(["cat-file", "blob", &format!("refs/heads/{branch}:{path}")])
        .output()
        .await
        .context("`git` could not be started")?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn durations(trail: &[AuditEntry], agent: u64, qa: u64) -> Durations {
    let between = |a: Timestamp, b: Timestamp| u64::try_from(b.duration_since(a).as_millis()).unwrap_or(0);
    let mut times = Durations { agent, qa, ..Durations::default() };
    let (mut ready, mut asked) = (None, None);
    for pair in trail.windows(2) {
        let [before, after] = pair else { continue };
        if before.to == WorkflowState::Planning {
            times.planning += between(before.at, after.at);
        }
    }
    for entry in trail {
        match &entry.event {
            Event::GateOpened { .. } => asked = Some(entry.at),
            Event::GateDecided { kind, .. } => {
                times.waiting += asked.take().map_or(0, |asked| between(asked, entry.at));
                ready = (*kind == GateKind::Pr).then_some(entry.at);
            }
            Event::QaFinished { passed: true, .. } => ready = Some(entry.at),
            Event::PrPublished { .. } | Event::PrMerged { .. } => {
                times.publish += ready.take().map_or(0, |ready| between(ready, entry.at));
            }
            _ => {}
        }
    }
    if let (Some(first), Some(end)) = (trail.first(), trail.last()) {
        times.total = between(first.at, end.at);
    }
    let known = times.planning + times.agent + times.qa + times.publish + times.waiting;
    times.overhead = times.total.saturating_sub(known);
    times
}

//! Opening a gate, or giving an open one a new token.

use domain::failure::{Failure, FailureKind};
use domain::gate::{About, Gate, GateKind, GateStatus, Subject};
use domain::ids::{TaskToken, WorkflowId};
use domain::person::Actor;
use domain::state::WorkflowState;
use domain::steps::{Done, GateOutput};
use domain::workflow::{Event, TicketSummary, Workflow};
use domain::{Timestamp, gate::Verdict};
use runtime::task_token;
use store::StoreError;

use crate::config::GatesContext;
use crate::decide::question;
use crate::deliver;

/// How often opening is tried again when the workflow's row changes under it.
const MAX_ROUNDS: u32 = 8;

/// Opens the gate that the workflow's state calls for. The answer goes to the token, also when something breaks: an
/// error of a function that was called with a token would not end the wait everywhere.
pub(crate) async fn open(
    context: &GatesContext,
    id: &WorkflowId,
    kind: GateKind,
    token: &TaskToken,
    now: Timestamp,
) -> Result<Done, Failure> {
    if let Err(failure) = try_open(context, id, kind, token, now).await {
        tracing::error!(workflow = %id, ?kind, %failure, "a gate could not be opened");
        task_token::fail(&context.sfn, token, &failure).await?;
    }
    Ok(Done::Done)
}

async fn try_open(
    context: &GatesContext,
    id: &WorkflowId,
    kind: GateKind,
    token: &TaskToken,
    now: Timestamp,
) -> Result<(), Failure> {
    for _ in 0..MAX_ROUNDS {
        let workflow = context.store.workflow(id).await?;
        if !is_due(&workflow, kind) {
            return open_again(context, &workflow, kind, token, now).await;
        }
        if workflow.cancel_requested.is_some() {
            return tell_cancelled(context, token).await;
        }
        let gate = new_gate(context, &workflow, kind, now)?;
        context.tokens.put_gate(&gate.id, token, now).await?;
        let event =
            Event::GateOpened { gate: gate.id.clone(), kind, subject_digest: gate.subject_digest, due_at: gate.due_at };
        let change = workflow
            .apply(event, Actor::system("approvals"), now)
            .map_err(|error| Failure::new(FailureKind::Superseded, error.to_string()))?;
        match context.store.commit(&change, context.gates.open_writes(&gate)?).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::new(FailureKind::Contention, format!("workflow {id} changed {MAX_ROUNDS} times under this step")))
}

/// Whether the workflow stands where a gate of this kind has to be opened.
fn is_due(workflow: &Workflow, kind: GateKind) -> bool {
    match kind {
        GateKind::Spec => workflow.spec_gate_is_due(),
        GateKind::Pr => workflow.state == WorkflowState::PrCreated,
    }
}

/// The step was tried again: the new token replaces the old one, and a decision that was made is told now, whatever
/// has happened to the workflow since.
async fn open_again(
    context: &GatesContext,
    workflow: &Workflow,
    kind: GateKind,
    token: &TaskToken,
    now: Timestamp,
) -> Result<(), Failure> {
    let count = match kind {
        GateKind::Spec => workflow.spec_gates,
        GateKind::Pr => workflow.pr_gates,
    };
    let ended = workflow.state.is_terminal();
    let Ok(id) = kind.gate_id(&workflow.id, count) else {
        if ended {
            return tell_cancelled(context, token).await;
        }
        let what = format!("no {} gate can be opened in state {}", kind.as_str(), workflow.state);
        return Err(Failure::new(FailureKind::Superseded, what));
    };
    // One that was sent back is not this step's: a later one was to be opened when the workflow ended.
    let gate = context.gates.gate(&id).await?;
    if ended && gate.is_none_or(|gate| gate.status == GateStatus::RevisionRequested) {
        return tell_cancelled(context, token).await;
    }
    context.tokens.put_gate(&id, token, now).await?;
    deliver::deliver(context, &id, now).await?;
    Ok(())
}

async fn tell_cancelled(context: &GatesContext, token: &TaskToken) -> Result<(), Failure> {
    let output = GateOutput { decision: GateStatus::Cancelled, settled: false, another_round: false };
    task_token::succeed(&context.sfn, token, &output).await
}

fn new_gate(context: &GatesContext, workflow: &Workflow, kind: GateKind, now: Timestamp) -> Result<Gate, Failure> {
    let inconsistent = |message: &str| Failure::new(FailureKind::Inconsistent, message.to_owned());
    let (subject, number) = match kind {
        GateKind::Spec => {
            let spec = workflow.spec.as_ref().ok_or_else(|| inconsistent("there is no SPEC to decide on"))?;
            let subject = Subject::Spec {
                revision: workflow.revision,
                spec_digest: spec.digest,
                base_commit: spec.base_commit.clone(),
                ticket_digest: workflow.ticket.digest,
            };
            (subject, workflow.spec_gates)
        }
        GateKind::Pr => {
            let pr = workflow.pr.as_ref().ok_or_else(|| inconsistent("there is no pull request to decide on"))?;
            let qa = workflow.qa.as_ref().ok_or_else(|| inconsistent("there is no QA report to decide on"))?;
            let subject = Subject::Pr {
                number: pr.number,
                head_sha: pr.head_sha.clone(),
                tree_sha: pr.tree_sha.clone(),
                qa_report: qa.report,
            };
            (subject, workflow.pr_gates)
        }
    };
    let id = kind.gate_id(&workflow.id, number + 1).map_err(|error| inconsistent(&error.to_string()))?;
    let asked = context.config.policy.ask(question(kind, workflow));
    let requester = workflow.ticket.requester.clone();
    let gate = Gate::new(id, workflow.id.clone(), subject, requester, asked, now)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let TicketSummary { title, repository, .. } = workflow.ticket.clone();
    Ok(Gate { about: Some(About { title, repository }), ..gate })
}

/// What the state machine is told of a decided gate.
pub(crate) fn output(gate: &Gate, workflow: &Workflow) -> GateOutput {
    let verdict = gate.decision.as_ref().map(|decision| &decision.verdict);
    GateOutput {
        decision: gate.status,
        settled: matches!(verdict, Some(Verdict::MergedAtHost { .. } | Verdict::ClosedAtHost)),
        another_round: gate.status == GateStatus::RevisionRequested
            && matches!(workflow.state, WorkflowState::Executing | WorkflowState::Planning),
    }
}

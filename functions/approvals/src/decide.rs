//! Deciding a gate.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, GateKind, Refusal, Verdict};
use domain::ids::{GateId, WorkflowId};
use domain::person::Actor;
use domain::workflow::{Event, Workflow};
use runtime::metrics::{Unit, emit};
use store::StoreError;

use crate::config::GatesContext;
use crate::deliver;

/// How often a decision is tried again when the workflow's row changes under it.
const MAX_ROUNDS: u32 = 8;

/// Decides a gate and hands the answer to the state machine. When the second part breaks the decision still counts,
/// and the sweeper hands it over.
pub(crate) async fn decide(
    context: &GatesContext,
    id: &GateId,
    request: DecisionRequest,
    now: Timestamp,
) -> Result<DecideAnswer, Failure> {
    for _ in 0..MAX_ROUNDS {
        let Some(gate) = context.gates.gate(id).await? else { return Ok(DecideAnswer::NotFound) };
        let workflow = context.store.workflow(&gate.workflow_id).await?;
        let decided = match check_rounds(&gate, &workflow, &request).and_then(|()| gate.decide(request.clone(), now)) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(refused(id, refusal)),
        };
        match commit(context, &workflow, &decided, now).await {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        record(&gate, &decided, now);
        if let Err(failure) = deliver::deliver(context, id, now).await {
            tracing::warn!(gate = %id, %failure, "the decision counts; it will be handed over by the sweeper");
        }
        return Ok(DecideAnswer::Decided { status: decided.status });
    }
    Err(Failure::new(FailureKind::Contention, format!("the gate {id} changed {MAX_ROUNDS} times under this request")))
}

/// Decides the workflow's open gate as cancelled, if one is open.
pub(crate) async fn cancel(context: &GatesContext, id: &WorkflowId, now: Timestamp) -> Result<DecideAnswer, Failure> {
    let workflow = context.store.workflow(id).await?;
    let Some(gate) = workflow.open_gate else { return Ok(DecideAnswer::NotFound) };
    let request = DecisionRequest {
        verdict: Verdict::Cancel,
        by: Actor::system("workflow"),
        subject_digest: None,
        comment: workflow.cancel_requested,
    };
    decide(context, &gate, request, now).await
}

/// A SPEC cannot be sent back more often than the workflow's limit.
fn check_rounds(gate: &Gate, workflow: &Workflow, request: &DecisionRequest) -> Result<(), Refusal> {
    let sent_back = request.verdict == Verdict::Revise && gate.subject.kind() == GateKind::Spec;
    if sent_back && !workflow.may_revise() {
        return Err(Refusal::NoRoundsLeft { rounds: workflow.limits.plan_revisions });
    }
    Ok(())
}

fn refused(id: &GateId, refusal: Refusal) -> DecideAnswer {
    tracing::info!(gate = %id, %refusal, "a decision was refused");
    let message = refusal.to_string();
    DecideAnswer::Refused { refusal, message }
}

async fn commit(context: &GatesContext, workflow: &Workflow, decided: &Gate, now: Timestamp) -> Result<(), StoreError> {
    let Some(decision) = &decided.decision else { return Ok(()) };
    let event = Event::GateDecided {
        gate: decided.id.clone(),
        kind: decided.subject.kind(),
        status: decided.status,
        verdict: decision.verdict.clone(),
        comment: decision.comment.clone(),
    };
    let writes = context.gates.decide_writes(decided)?;
    if workflow.state.is_terminal() {
        // The workflow ended without its gate, by an error: only the gate is left to close.
        return context.gates.write(writes).await;
    }
    // A row that moved on between the two reads is a conflict like any other: read both again.
    let change = workflow
        .apply(event, decision.by.clone(), now)
        .map_err(|error| StoreError::Conflict(format!("the workflow of gate {} ({error})", decided.id)))?;
    context.store.commit(&change, writes).await
}

fn record(gate: &Gate, decided: &Gate, now: Timestamp) {
    let status = decided.status.as_str();
    emit(now.as_millisecond(), "GatesDecided", Unit::Count, 1.0, Some(("status", status)));
    #[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds is far below 2^52")]
    let waited = (now.as_millisecond() - gate.created_at.as_millisecond()) as f64;
    emit(now.as_millisecond(), "GateResponseTime", Unit::Milliseconds, waited, Some(("status", status)));
}

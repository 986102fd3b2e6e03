//! Deciding a gate.

use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::policy::Question;
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, GateKind, GateStatus, Refusal, Subject, Verdict};
use domain::ids::{GateId, WorkflowId};
use domain::person::Actor;
use domain::workflow::{Event, SpecEdit, Workflow};
use runtime::metrics::{Unit, emit};

use crate::change::{Outcome, Step, change};
use crate::config::GatesContext;
use crate::deliver;

/// Decides a gate and hands the answer to the state machine. When the second part breaks the decision still counts,
/// and the sweeper hands it over.
pub(crate) async fn decide(
    context: &GatesContext,
    id: &GateId,
    request: DecisionRequest,
    now: Timestamp,
) -> Result<DecideAnswer, Failure> {
    let rule = |gate: &Gate, workflow: &Workflow| rule(context, gate, workflow, &request, now);
    match change(context, id, now, rule).await? {
        Outcome::NotFound => Ok(DecideAnswer::NotFound),
        Outcome::Refused(refusal) => {
            let message = refusal.to_string();
            Ok(DecideAnswer::Refused { refusal, message })
        }
        Outcome::Changed { after, .. } if after.status == GateStatus::Pending => {
            let required = after.quorum.required;
            Ok(DecideAnswer::Counted { approvals: required - after.missing_approvals(), required })
        }
        Outcome::Changed { before, after } => {
            record(&before, &after, now);
            if let Err(failure) = deliver::deliver(context, id, now).await {
                tracing::warn!(gate = %id, %failure, "the decision counts; it will be handed over by the sweeper");
            }
            Ok(DecideAnswer::Decided { status: after.status })
        }
    }
}

/// Decides the workflow's open gate as cancelled, if one is open.
pub(crate) async fn cancel(context: &GatesContext, id: &WorkflowId, now: Timestamp) -> Result<DecideAnswer, Failure> {
    let workflow = context.store.workflow(id).await?;
    let Some(gate) = workflow.open_gate else { return Ok(DecideAnswer::NotFound) };
    let request = DecisionRequest::fact(Verdict::Cancel, Actor::system("workflow"), workflow.cancel_requested);
    decide(context, &gate, request, now).await
}

fn rule(
    context: &GatesContext,
    gate: &Gate,
    workflow: &Workflow,
    request: &DecisionRequest,
    now: Timestamp,
) -> Result<Step, Refusal> {
    if gate.status == GateStatus::Pending {
        check_rounds(gate, workflow, request)?;
        check_roster(context, gate, request)?;
    }
    let mut asked = gate.clone();
    if let Some(edit) = edit_of(gate, workflow, request)? {
        // What the edit adds may be what takes more approvals.
        let question = Question { facts: Some(edit.facts), ..question(gate.subject.kind(), workflow) };
        asked.quorum = asked.quorum.or_stricter(context.config.policy.ask(question).quorum);
    }
    let decided = asked.decide(request.clone(), now)?;
    Ok(Step { event: event(&decided, request), gate: decided, actor: request.by.clone() })
}

/// What a gate of this workflow is opened for.
pub(crate) fn question(kind: GateKind, workflow: &Workflow) -> Question<'_> {
    Question {
        kind,
        repository: Some(&workflow.approvals),
        facts: workflow.facts,
        findings: workflow.qa.as_ref().filter(|_| kind == GateKind::Pr).map_or(0, |qa| qa.findings),
        requester: &workflow.ticket.requester,
    }
}

/// What the audit trail says.
fn event(after: &Gate, request: &DecisionRequest) -> Event {
    let (gate, kind) = (after.id.clone(), after.subject.kind());
    if let Some(decision) = &after.decision {
        let (verdict, comment) = (decision.verdict.clone(), decision.comment.clone());
        return Event::GateDecided { gate, kind, status: after.status, verdict, comment };
    }
    let comment = after.approvals.last().and_then(|approval| approval.comment.clone());
    let required = after.quorum.required;
    let approvals = required - after.missing_approvals();
    match request.verdict {
        Verdict::ApproveEdited { revision, spec_digest } => {
            Event::SpecReplaced { gate, revision, spec_digest, comment, approvals, required }
        }
        _ => Event::GateApproved { gate, kind, comment, approvals, required },
    }
}

/// A SPEC cannot be sent back more often than the workflow's limit.
fn check_rounds(gate: &Gate, workflow: &Workflow, request: &DecisionRequest) -> Result<(), Refusal> {
    let sent_back = request.verdict == Verdict::Revise && gate.subject.kind() == GateKind::Spec;
    if sent_back && !workflow.may_revise() {
        return Err(Refusal::NoRoundsLeft { rounds: workflow.limits.plan_revisions });
    }
    Ok(())
}

/// Whoever was taken off the deployment's lists since the gate was opened approves nothing any more.
fn check_roster(context: &GatesContext, gate: &Gate, request: &DecisionRequest) -> Result<(), Refusal> {
    match &request.by {
        Actor::Person { person, .. }
            if request.verdict.is_approval() && !context.config.policy.still_names(gate, person) =>
        {
            Err(Refusal::NotAnApprover)
        }
        _ => Ok(()),
    }
}

/// The edit that a request approves: it must have been checked, be of the SPEC that is asked about, and be their own.
fn edit_of<'a>(
    gate: &Gate,
    workflow: &'a Workflow,
    request: &DecisionRequest,
) -> Result<Option<&'a SpecEdit>, Refusal> {
    let Verdict::ApproveEdited { revision, spec_digest } = request.verdict else { return Ok(None) };
    let Subject::Spec { spec_digest: asked, .. } = gate.subject else { return Err(Refusal::WrongVerdict) };
    let own = |edit: &SpecEdit| matches!(&request.by, Actor::Person { person, .. } if edit.by.is_same(person));
    let known = workflow
        .edit
        .as_ref()
        .filter(|edit| (edit.revision, edit.spec_digest, edit.of) == (revision, spec_digest, asked) && own(edit));
    known.map(Some).ok_or(Refusal::EditUnknown)
}

fn record(gate: &Gate, decided: &Gate, now: Timestamp) {
    let status = decided.status.as_str();
    emit(now.as_millisecond(), "GatesDecided", Unit::Count, 1.0, Some(("status", status)));
    #[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds is far below 2^52")]
    let waited = (now.as_millisecond() - gate.created_at.as_millisecond()) as f64;
    emit(now.as_millisecond(), "GateResponseTime", Unit::Milliseconds, waited, Some(("status", status)));
}

//! The channel to the ticket tracker.

use domain::WorkflowState;
use domain::failure::Failure;
use domain::gate::{Gate, Subject};
use domain::ids::{GateId, Revision};
use domain::outbox::Notice;
use domain::ticket::TicketStatus;
use domain::workflow::Workflow;
use store::OutboxRow;
use tickets::flux_lens::FluxLensError;

use crate::access::Access;
use crate::facts::{History, State};
use crate::notifier::{Notifier, inconsistent};
use crate::texts::ticket as texts;

/// Tells the tracker.
pub(crate) async fn send<S: State>(notifier: &Notifier<S>, access: &Access, row: &OutboxRow) -> Result<(), Failure> {
    let state = &notifier.state;
    let workflow = state.workflow(&row.workflow_id).await?;
    let page = workflow.id.page(&notifier.base_url);
    let teller = Teller { access, workflow: &workflow, seq: row.seq };
    match &row.message.notice {
        Notice::WorkStarted => start(state, &teller).await,
        Notice::Resumed { from } => {
            start(state, &teller).await?;
            teller.comment(&texts::resumed(*from, &page)).await
        }
        Notice::SpecAwaitsApproval { gate, revision } => {
            let gate = gate_of(state, gate).await?;
            let spec = spec_of(state, &workflow, &gate, *revision).await?;
            let facts = texts::SpecFacts { spec: &spec, gate: &gate, page: &page };
            teller.comment(&texts::spec_proposed(&facts)).await
        }
        Notice::PrAwaitsApproval { gate } => {
            let gate = gate_of(state, gate).await?;
            let history = History::of(&state.trail(&workflow.id).await?);
            let facts = texts::PrFacts { workflow: &workflow, gate: &gate, files: &history.files, page: &page };
            teller.comment(&texts::pr_opened(&facts)).await
        }
        // Those are for the people who are asked or for the state machine, not for everybody who reads the ticket.
        Notice::GateStillOpen { .. }
        | Notice::GateDelegated { .. }
        | Notice::CodeRequested { .. }
        | Notice::GateDecided { .. }
        | Notice::Recorded { .. } => Ok(()),
        Notice::Ended { state: ended, status, reason } => {
            teller.move_to_if_current(state, *status).await?;
            let history = History::of(&state.trail(&workflow.id).await?);
            let facts = texts::EndedFacts {
                workflow: &workflow,
                state: *ended,
                reason: reason.as_deref(),
                history: &history,
                page: &page,
            };
            teller.comment(&texts::ended(&facts)).await
        }
    }
}

/// Moves the ticket to "In Progress", unless the workflow has ended: that message may have been faster than this one.
async fn start<S: State>(state: &S, teller: &Teller<'_>) -> Result<(), Failure> {
    if teller.workflow.state.is_terminal() {
        return Ok(());
    }
    teller.move_to_if_current(state, TicketStatus::InProgress).await?;
    // The end may have come and been told between our look and our call; then it has to be told again.
    let now = state.workflow(&teller.workflow.id).await?;
    if now.state.is_terminal() {
        return teller.move_to_if_current(state, end_status(now.state)).await;
    }
    Ok(())
}

/// The ticket's status after a workflow that ended in `state`.
fn end_status(state: WorkflowState) -> TicketStatus {
    match state {
        WorkflowState::Completed => TicketStatus::Done,
        WorkflowState::Cancelled => TicketStatus::Cancelled,
        _ => TicketStatus::Blocked,
    }
}

pub(crate) async fn gate_of<S: State>(state: &S, id: &GateId) -> Result<Gate, Failure> {
    state.gate(id).await?.ok_or_else(|| inconsistent(format!("the gate {id} does not exist")))
}

pub(crate) async fn spec_of<S: State>(
    state: &S,
    workflow: &Workflow,
    gate: &Gate,
    revision: Revision,
) -> Result<domain::spec::Spec, Failure> {
    let Subject::Spec { spec_digest, .. } = &gate.subject else {
        return Err(inconsistent(format!("the gate {} is not about a SPEC", gate.id)));
    };
    Ok(state.spec(&workflow.id, revision, *spec_digest).await?)
}

/// Says things about one ticket.
struct Teller<'a> {
    access: &'a Access,
    workflow: &'a Workflow,
    seq: u64,
}

impl Teller<'_> {
    fn ticket(&self) -> &str {
        &self.workflow.ticket.key.id
    }

    async fn comment(&self, markdown: &str) -> Result<(), Failure> {
        let key = format!("{}:{}", self.workflow.id, self.seq);
        told("comment", self.access.tracker.comment(self.ticket(), markdown, &key).await)
    }

    /// Moves the ticket, unless a later workflow works on it by now.
    async fn move_to_if_current<S: State>(&self, state: &S, status: TicketStatus) -> Result<(), Failure> {
        let current = state.current(&self.workflow.ticket.key).await?;
        if current.is_some_and(|id| id != self.workflow.id) {
            tracing::info!(workflow = %self.workflow.id, "a later workflow works on the ticket; its status stays");
            return Ok(());
        }
        told("status", self.access.tracker.set_status(self.ticket(), status).await)
    }
}

/// An answer that stays the same however often one asks counts as told.
fn told(what: &str, result: Result<(), FluxLensError>) -> Result<(), Failure> {
    match result {
        Err(error) if error.is_final() => {
            tracing::warn!(what, %error, "the tracker does not take this");
            Ok(())
        }
        other => Ok(other?),
    }
}

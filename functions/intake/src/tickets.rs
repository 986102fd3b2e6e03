//! What a tracker's event does to a ticket and its workflow. The higher version wins, whatever the order of arrival;
//! a cancel sticks.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::ids::{Generation, WorkflowId};
use domain::person::Actor;
use domain::steps::{Done, WorkflowStep};
use domain::ticket::{Ticket, TicketEvent, TicketEventKind};
use domain::workflow::{Event, Workflow};
use runtime::metrics::{Unit, emit};
use store::{StoreError, TicketRow};

use crate::config::Context;
use crate::execution;

/// How often an event is tried again when the ticket's row changes under it.
const MAX_ROUNDS: u32 = 8;

fn actor() -> Actor {
    Actor::system("intake")
}

/// Applies an event.
pub(crate) async fn apply(context: &Context, event: &TicketEvent, now: Timestamp) -> Result<(), Failure> {
    for _ in 0..MAX_ROUNDS {
        let row = context.store.ticket_row(&event.ticket.key).await?;
        let result = match (row, event.kind) {
            (None, TicketEventKind::Cancelled) => remember_cancel(context, &event.ticket).await,
            (None, _) => create(context, &event.ticket, now).await,
            (Some(row), TicketEventKind::Cancelled) => cancel(context, &event.ticket, row, now).await,
            (Some(row), _) if row.cancelled => Ok(()),
            (Some(row), _) => update(context, &event.ticket, row, now).await,
        };
        match result {
            Err(Lost::Row) => {}
            Err(Lost::Failure(failure)) => return Err(failure),
            Ok(()) => return Ok(()),
        }
    }
    let key = &event.ticket.key;
    Err(Failure::new(FailureKind::Contention, format!("the ticket {key} changed {MAX_ROUNDS} times under this event")))
}

/// Why one round did not come to its end.
enum Lost {
    /// The row changed: read it again.
    Row,
    /// Anything else.
    Failure(Failure),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Row,
            error => Self::Failure(error.into()),
        }
    }
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// A cancel that arrives first: nothing is ever started.
async fn remember_cancel(context: &Context, ticket: &Ticket) -> Result<(), Lost> {
    let row = TicketRow {
        version: 1,
        ticket_version: ticket.version,
        generation: Generation::FIRST,
        workflow_id: None,
        cancelled: true,
    };
    Ok(context.store.write_ticket_row(&ticket.key, &row).await?)
}

/// A ticket that was not seen before. The rows come first, then the execution: a crash in between is finished by the
/// next delivery of the message, or by the sweeper.
async fn create(context: &Context, ticket: &Ticket, now: Timestamp) -> Result<(), Lost> {
    let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
    let (workflow, entry) = Workflow::create(id.clone(), ticket, context.config.limits, actor(), now)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let row = TicketRow {
        version: 1,
        ticket_version: ticket.version,
        generation: Generation::FIRST,
        workflow_id: Some(id.clone()),
        cancelled: false,
    };
    let write = context.store.ticket_row_write(&ticket.key, &row)?;
    context.store.create(&workflow, &entry, ticket, vec![write]).await?;
    execution::start(context, &id).await?;
    tracing::info!(workflow = %id, ticket = %ticket.key, repository = %ticket.repository, "a workflow was started");
    emit(now.as_millisecond(), "WorkflowsCreated", Unit::Count, 1.0, None);
    Ok(())
}

/// A ticket that is known: a newer version is noted, and its text where it changed. The tracker's echo of a status
/// that we set ourselves changes no text.
async fn update(context: &Context, ticket: &Ticket, row: TicketRow, now: Timestamp) -> Result<(), Lost> {
    let Some(id) = row.workflow_id.clone() else { return Ok(()) };
    let workflow = context.store.workflow(&id).await?;
    if workflow.state == domain::WorkflowState::Pending {
        execution::start(context, &id).await?;
    }
    if ticket.version <= row.ticket_version {
        return Ok(());
    }
    let next = TicketRow { version: row.version + 1, ticket_version: ticket.version, ..row };
    let row_write = context.store.ticket_row_write(&ticket.key, &next)?;
    let digest = ticket.content_digest();
    let ended = workflow.state.is_terminal() && !workflow.may_resume();
    if ended || digest == workflow.ticket.digest {
        return Ok(context.store.write_ticket_row(&ticket.key, &next).await?);
    }
    let event = Event::TicketUpdated { ticket_version: ticket.version, ticket_digest: digest };
    let change = workflow
        .apply(event, actor(), now)
        .map_err(|error| Failure::new(FailureKind::Contention, error.to_string()))?;
    let writes = vec![row_write, context.store.ticket_write(&id, ticket)?];
    Ok(context.store.commit(&change, writes).await?)
}

/// The request stands in the workflow's row before anybody acts on it, so that a crash loses nothing: the next step
/// of the state machine sees it, and so does the sweeper.
async fn cancel(context: &Context, ticket: &Ticket, row: TicketRow, now: Timestamp) -> Result<(), Lost> {
    if !row.cancelled {
        let ticket_version = ticket.version.max(row.ticket_version);
        let next = TicketRow { version: row.version + 1, ticket_version, cancelled: true, ..row.clone() };
        context.store.write_ticket_row(&ticket.key, &next).await?;
    }
    let Some(id) = row.workflow_id else { return Ok(()) };
    let workflow = context
        .store
        .record(&id, &actor(), now, |workflow| {
            let open = !workflow.state.is_terminal() && workflow.cancel_requested.is_none();
            Ok(open.then(|| Event::CancelRequested { reason: "The ticket was cancelled in its tracker.".to_owned() }))
        })
        .await?;
    if workflow.state.is_terminal() {
        return Ok(());
    }
    let step = WorkflowStep::Cancel { workflow_id: id };
    let _: Done = context.invoker.call(&context.config.workflow_function, &step).await?;
    Ok(())
}

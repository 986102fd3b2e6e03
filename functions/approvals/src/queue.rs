//! The queue of decisions: each was written with the gate's row, and is handed to the state machine from here when it did
//! not come to that at once. What cannot be handed over comes again until it is, or until the queue gives it to the dead
//! letters; `sweeper` is the net below.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::outbox::{Notice, OutboxPointer};

use crate::config::GatesContext;
use crate::deliver;

/// Hands over what a batch points to. What could not be is in the answer's list of failed items.
pub(crate) async fn deliver_batch(context: &GatesContext, event: SqsEvent, now: Timestamp) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.unwrap_or_default();
        if let Err(failure) = deliver_one(context, message.body.as_deref().unwrap_or_default(), now).await {
            tracing::error!(message = id, %failure, "a decision was not handed over; it comes again");
            let mut item = BatchItemFailure::default();
            item.item_identifier = id;
            response.batch_item_failures.push(item);
        }
    }
    response
}

async fn deliver_one(context: &GatesContext, body: &str, now: Timestamp) -> Result<(), Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidInput, what);
    let pointer: OutboxPointer = serde_json::from_str(body)
        .map_err(|error| invalid(format!("the message does not say where an outbox row is: {error}")))?;
    let row = context.store.outbox_row(&pointer).await?;
    let row = row.ok_or_else(|| invalid(format!("there is no message {} of {}", pointer.seq, pointer.workflow_id)))?;
    let Notice::GateDecided { gate } = &row.message.notice else {
        return Err(invalid(format!("message {} of {} is about no decision", pointer.seq, pointer.workflow_id)));
    };
    deliver::deliver(context, gate, now).await?;
    Ok(context.store.mark_sent(&pointer.workflow_id, pointer.seq, now).await?)
}

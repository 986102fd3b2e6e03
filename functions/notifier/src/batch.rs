//! One batch of a queue.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use domain::outbox::OutboxPointer;
use futures::{StreamExt as _, stream};

use crate::access::Access;
use crate::facts::State;
use crate::notifier::Notifier;
use crate::unsent::Unsent;

/// How many messages are sent at once.
const PARALLEL: usize = 4;

/// Sends what a batch points to. What could not be sent is in the answer's list of failed items.
pub async fn handle<S: State>(
    notifier: &Notifier<S>,
    access: &Access,
    event: SqsEvent,
    now: fn() -> Timestamp,
) -> SqsBatchResponse {
    let failed: Vec<Option<String>> = stream::iter(event.records)
        .map(|message| one(notifier, access, message, now))
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    for id in failed.into_iter().flatten() {
        let mut item = BatchItemFailure::default();
        item.item_identifier = id;
        response.batch_item_failures.push(item);
    }
    response
}

/// Answers the message's id when it has to come back.
async fn one<S: State>(
    notifier: &Notifier<S>,
    access: &Access,
    message: SqsMessage,
    now: fn() -> Timestamp,
) -> Option<String> {
    let id = message.message_id.unwrap_or_default();
    let pointer: OutboxPointer = match serde_json::from_str(message.body.as_deref().unwrap_or_default()) {
        Ok(pointer) => pointer,
        Err(error) => {
            tracing::error!(message = id, %error, "a message does not say where an outbox row is");
            return Some(id);
        }
    };
    match notifier.notify(access, &pointer, now).await {
        Ok(outcome) => {
            tracing::info!(workflow = %pointer.workflow_id, seq = pointer.seq, ?outcome, "a message was handled");
            None
        }
        Err(Unsent { failure, again, .. }) => {
            if let (Some(again), Some(receipt)) = (again, &message.receipt_handle) {
                tracing::warn!(workflow = %pointer.workflow_id, seq = pointer.seq, %failure, "a message has to wait");
                notifier.state.postpone(receipt, again).await;
            } else {
                tracing::error!(workflow = %pointer.workflow_id, seq = pointer.seq, %failure, "a message was not sent");
            }
            Some(id)
        }
    }
}

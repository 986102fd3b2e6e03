//! A batch of messages, answered item by item.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::inbound::{INBOUND_VERSION, InboundEvent};
use runtime::metrics::{Unit, emit};

use crate::config::Context;
use crate::process::process;

/// Delay before the second and the third receive, seconds.
const DELAYS: [i32; 2] = [10, 60];

/// Handles each message; answers which ones have to come again.
pub async fn handle(context: &Context, event: SqsEvent, now: Timestamp) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let result = match read(&message) {
            Ok(event) => process(context, &event, now).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = result {
            let id = message.message_id.clone().unwrap_or_default();
            tracing::error!(message = id, kind = %failure.kind, %failure, "a message failed and stays on the queue");
            emit(now.as_millisecond(), "InboundFailures", Unit::Count, 1.0, Some(("kind", failure.kind.as_str())));
            put_off(context, &message).await;
            let mut item = BatchItemFailure::default();
            item.item_identifier = id;
            response.batch_item_failures.push(item);
        }
    }
    response
}

fn read(message: &SqsMessage) -> Result<InboundEvent, Failure> {
    let invalid = |reason: String| Failure::new(FailureKind::InvalidInput, reason);
    let body = message.body.as_deref().unwrap_or_default();
    let event: InboundEvent =
        serde_json::from_str(body).map_err(|error| invalid(format!("the message cannot be read: {error}")))?;
    if event.version > INBOUND_VERSION {
        return Err(invalid(format!("the message has version {}, which is newer than this function", event.version)));
    }
    Ok(event)
}

/// Lets a failed message come again later. When that is not possible it comes again after the queue's own time.
async fn put_off(context: &Context, message: &SqsMessage) {
    let receives: usize =
        message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    let Some(delay) = DELAYS.get(receives.saturating_sub(1)) else { return };
    let (Some(queue), Some(receipt)) = (queue_url(message), &message.receipt_handle) else { return };
    let call = context.sqs.change_message_visibility().queue_url(queue).receipt_handle(receipt);
    if let Err(error) = call.visibility_timeout(*delay).send().await {
        tracing::warn!(error = %DisplayErrorContext(error), "a failed message keeps the queue's own delay");
    }
}

/// The queue's URL from its ARN: SQS takes `https://sqs.<region>.amazonaws.com/<account>/<name>` wherever it really
/// is, because the client sends the call to its own endpoint.
fn queue_url(message: &SqsMessage) -> Option<String> {
    let arn = message.event_source_arn.as_deref()?;
    let mut parts = arn.split(':').skip(3);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("https://sqs.{region}.amazonaws.com/{account}/{name}"))
}

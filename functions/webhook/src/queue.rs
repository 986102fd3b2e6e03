//! The queue.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::inbound::InboundEvent;

/// Largest message, bytes. SQS takes 1 MiB; a description full of characters that JSON escapes can get there.
const MAX_MESSAGE_BYTES: usize = 1_000_000;

/// Why an event did not get onto the queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotQueued {
    /// It is too large once it is written as JSON.
    #[error("the event is too large")]
    TooLarge,
    /// The queue did not take it; the sender has to try again.
    #[error("the queue did not take the event: {0}")]
    Unavailable(String),
}

/// Puts an event on the queue, in its repository's group.
pub(crate) async fn send(client: &Client, queue_url: &str, event: &InboundEvent) -> Result<(), NotQueued> {
    let body = serde_json::to_string(event).map_err(|error| NotQueued::Unavailable(error.to_string()))?;
    if body.len() > MAX_MESSAGE_BYTES {
        return Err(NotQueued::TooLarge);
    }
    client
        .send_message()
        .queue_url(queue_url)
        .message_group_id(event.message_group())
        .message_body(body)
        .send()
        .await
        .map_err(|error| NotQueued::Unavailable(DisplayErrorContext(error).to_string()))?;
    Ok(())
}

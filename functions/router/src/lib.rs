//! From the state table's stream to one queue per channel.
//!
//! A stream consumer must not fail: a batch that fails is delivered again and again and holds up its shard. So this
//! one is small and total. It copies where new outbox rows are (never what they say) to the queue of their channel,
//! and everything that can go wrong with sending hangs on those queues, which have partial batches and dead-letter
//! queues.
//!
//! What is for a channel that the deployment does not have stays where it is.
//!
//! A record that is not an outbox row is passed over; one that should be and cannot be read is logged and passed
//! over: no repeat would mend it. The batch fails only when SQS does not take a message after all repeats, because
//! then the message would be lost. It then comes back whole, and what was queued before is queued twice; `notifier`
//! sends each row once, and for `approvals` twice is once.

mod config;
mod queues;
mod records;

pub use config::Config;
pub use queues::Queues;
pub use records::pointers;

use runtime::StepFailure;
use serde::Serialize;
use serde_json::Value;

/// What became of a batch, for the logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Routed {
    /// Messages that were queued.
    pub queued: usize,
}

/// Handles one batch of stream records.
///
/// # Errors
/// `Transient` when SQS did not take a message.
pub async fn route(queues: &Queues, event: Value) -> Result<Routed, StepFailure> {
    let queued = queues.send(pointers(event)).await.map_err(runtime::step::fail)?;
    tracing::info!(queued, "the batch was routed");
    Ok(Routed { queued })
}

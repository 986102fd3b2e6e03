//! The channels' queues.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use backon::{ExponentialBuilder, Retryable as _};
use domain::failure::{Failure, FailureKind};
use domain::outbox::{OutboxChannel, OutboxPointer};

use crate::config::Config;

/// Most messages of one call: SQS's limit.
const BATCH: usize = 10;
/// How often messages that SQS refused in an otherwise accepted call are sent again.
const REPEATS: usize = 3;

/// Sends to the channels' queues.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    config: Config,
}

impl Queues {
    /// Queues behind `client`.
    pub fn new(client: Client, config: Config) -> Self {
        Self { client, config }
    }

    /// Queues every pointer whose channel the deployment has, and answers how many.
    ///
    /// # Errors
    /// `Transient` when SQS did not take all of them.
    pub async fn send(&self, pointers: Vec<(OutboxChannel, OutboxPointer)>) -> Result<usize, Failure> {
        let mut queued = 0;
        for channel in OutboxChannel::ALL {
            let Some(url) = self.config.queue_url(channel) else { continue };
            let of_channel = pointers.iter().filter(|(to, _)| *to == channel);
            let bodies = of_channel.map(|(_, pointer)| body(pointer)).collect::<Result<Vec<_>, _>>()?;
            for batch in bodies.chunks(BATCH) {
                self.send_batch(url, batch).await?;
            }
            queued += bodies.len();
        }
        Ok(queued)
    }

    async fn send_batch(&self, url: &str, bodies: &[String]) -> Result<(), Failure> {
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(REPEATS);
        let left = std::sync::Mutex::new(bodies.to_vec());
        let attempt = || async {
            let batch = left.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            let refused = self.try_batch(url, &batch).await.map_err(Ended::Failed)?;
            if refused.is_empty() {
                return Ok(());
            }
            let reason = refused[0].1.clone();
            let rest = refused.into_iter().filter_map(|(index, _)| batch.get(index).cloned()).collect();
            *left.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = rest;
            Err(Ended::Refused(reason))
        };
        let sent = attempt.retry(backoff).when(|ended| matches!(ended, Ended::Refused(_))).await;
        sent.map_err(|ended| {
            let (Ended::Failed(reason) | Ended::Refused(reason)) = ended;
            Failure::new(FailureKind::Transient, format!("SQS did not take messages of the outbox: {reason}"))
        })
    }

    /// One call. Answers the places and reasons of the messages that SQS did not take. A call that fails as a whole
    /// was repeated by the client already.
    async fn try_batch(&self, url: &str, bodies: &[String]) -> Result<Vec<(usize, String)>, String> {
        let entries = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| {
                SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        let answer = self
            .client
            .send_message_batch()
            .queue_url(url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| DisplayErrorContext(error).to_string())?;
        let refused =
            answer.failed().iter().filter_map(|entry| Some((entry.id().parse().ok()?, entry.code().to_owned())));
        Ok(refused.collect())
    }
}

/// How a call ended that did not take everything.
enum Ended {
    Failed(String),
    Refused(String),
}

fn body(pointer: &OutboxPointer) -> Result<String, Failure> {
    serde_json::to_string(pointer).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

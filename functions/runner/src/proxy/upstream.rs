//! The model provider behind the proxy.

pub mod bedrock;
pub mod http;

use std::time::Duration;

use serde_json::Value;

use super::retry::{RetryPolicy, is_transient};
use super::sse::EventStream;

/// A provider with its credential.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// Anthropic's or OpenAI's API over HTTPS, or another that speaks one of them.
    Http(http::HttpUpstream),
    /// Amazon Bedrock.
    Bedrock(bedrock::BedrockUpstream),
}

/// A checked request.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// The body in the protocol of the proxy.
    pub body: Value,
    /// Value of the `anthropic-version` header.
    pub version: Option<String>,
    /// Features that were asked for and are allowed.
    pub betas: Vec<String>,
}

/// The provider did not begin to answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the model provider answered {}: {message}", .status.map_or("nothing".to_owned(), |status| status.to_string()))]
pub struct UpstreamError {
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// What it said, shortened, without any credential.
    pub message: String,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
}

/// Most of a provider's error text that is kept, in bytes.
const MAX_ERROR_BYTES: usize = 1_000;

impl UpstreamError {
    /// No answer.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { status: None, message: shorten(message.into()), retry_after: None }
    }

    /// An answer with a status.
    pub fn status(status: u16, message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self { status: Some(status), message: shorten(message.into()), retry_after }
    }

    fn is_transient(&self) -> bool {
        self.status.is_none_or(is_transient)
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > MAX_ERROR_BYTES {
        text.truncate(text.floor_char_boundary(MAX_ERROR_BYTES));
        text.push('…');
    }
    text
}

impl Upstream {
    /// Begins an answer, trying again after passing failures.
    ///
    /// # Errors
    /// The last failure.
    pub async fn open(&self, request: &ModelRequest, policy: RetryPolicy) -> Result<EventStream, UpstreamError> {
        let mut pauses = policy.pauses();
        loop {
            let error = match self.open_once(request).await {
                Ok(events) => return Ok(events),
                Err(error) => error,
            };
            let Some(planned) = pauses.next().filter(|_| error.is_transient()) else { return Err(error) };
            let pause = policy.pause(planned, error.retry_after);
            tracing::warn!(status = error.status, pause_ms = pause.as_millis(), "the model provider is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn open_once(&self, request: &ModelRequest) -> Result<EventStream, UpstreamError> {
        match self {
            Self::Http(upstream) => upstream.open(request).await,
            Self::Bedrock(upstream) => upstream.open(request).await,
        }
    }
}

//! Providers that are reached over HTTPS with a key.

use std::time::Duration;

use futures::TryStreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio_util::io::StreamReader;

use super::{ModelRequest, UpstreamError};
use crate::proxy::protocol::Protocol;
use crate::proxy::sse::{self, EventStream};

/// Time to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest silence of a provider. A model may think for minutes, but then sends pings.
const READ_LIMIT: Duration = Duration::from_mins(5);
const DEFAULT_VERSION: &str = "2023-06-01";

/// A provider's API.
#[derive(Debug, Clone)]
pub struct HttpUpstream {
    client: reqwest::Client,
    url: String,
    protocol: Protocol,
    key: SecretString,
}

/// The provider's client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for the model provider")]
pub struct ClientError(#[from] reqwest::Error);

impl HttpUpstream {
    /// For the API below `base_url` (for OpenAI it ends in `/v1`, for Anthropic it does not).
    ///
    /// # Errors
    /// The TLS configuration of the host is unusable.
    pub fn new(protocol: Protocol, base_url: &str, key: SecretString) -> Result<Self, ClientError> {
        let path = match protocol {
            Protocol::Anthropic => "/v1/messages",
            Protocol::Openai => "/chat/completions",
        };
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(READ_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, url: format!("{}{path}", base_url.trim_end_matches('/')), protocol, key })
    }

    pub(super) async fn open(&self, request: &ModelRequest) -> Result<EventStream, UpstreamError> {
        let headers = self.headers(request)?;
        let sent = self.client.post(&self.url).headers(headers).json(&request.body).send().await;
        let response = sent.map_err(|error| UpstreamError::unreachable(describe(&error)))?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = retry_after(response.headers());
            let text = response.text().await.unwrap_or_default();
            return Err(UpstreamError::status(status.as_u16(), error_message(&text), retry_after));
        }
        let bytes = response.bytes_stream().map_err(|error| std::io::Error::other(describe(&error)));
        Ok(sse::decode(StreamReader::new(Box::pin(bytes))))
    }

    fn headers(&self, request: &ModelRequest) -> Result<HeaderMap, UpstreamError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| UpstreamError::status(400, "a header has bad characters", None))
        };
        let (name, mut key) = match self.protocol {
            Protocol::Anthropic => ("x-api-key", value(self.key.expose_secret())?),
            Protocol::Openai => ("authorization", value(&format!("Bearer {}", self.key.expose_secret()))?),
        };
        key.set_sensitive(true);
        headers.insert(name, key);
        if self.protocol == Protocol::Anthropic {
            headers.insert("anthropic-version", value(request.version.as_deref().unwrap_or(DEFAULT_VERSION))?);
            if !request.betas.is_empty() {
                headers.insert("anthropic-beta", value(&request.betas.join(","))?);
            }
        }
        Ok(headers)
    }
}

/// The error and its causes, without the address.
fn describe(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let cause = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).last();
    cause.map_or(kind.to_owned(), |cause| format!("{kind} ({cause})"))
}

/// Seconds only: the form that model providers use.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The text of a provider's error, which both protocols put at `error.message`.
fn error_message(body: &str) -> String {
    let message = serde_json::from_str::<Value>(body).ok();
    let message = message.and_then(|body| body["error"]["message"].as_str().map(str::to_owned));
    message.unwrap_or_else(|| body.to_owned())
}

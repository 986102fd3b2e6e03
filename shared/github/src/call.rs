//! One call: made, repeated where that helps, and read.

use std::time::Duration;

use backon::Retryable as _;
use bytes::Bytes;
use http::header::{ACCEPT, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::error::GithubError;
use crate::host::Github;
use crate::retry::{Fault, rate_limit};

/// Largest answer that is read unless the call says otherwise, bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Redirects that a GET follows.
const MAX_REDIRECTS: usize = 3;
/// Longest part of GitHub's words that is kept.
const MAX_MESSAGE: usize = 600;

/// A call to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    max_bytes: usize,
    repeat_unsure: bool,
}

/// An answer of any status but a rate limit or a server error.
#[derive(Debug)]
pub(crate) struct Reply {
    call: String,
    pub(crate) status: StatusCode,
    pub(crate) bytes: Bytes,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    pub(crate) fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path, Some(body))
    }

    pub(crate) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, Some(body))
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    fn new(method: Method, path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method, path: path.into(), body, max_bytes: MAX_ANSWER_BYTES, repeat_unsure: true }
    }

    /// Reads at most this much.
    pub(crate) fn at_most(mut self, bytes: u64) -> Self {
        self.max_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// For what must not happen twice: not repeated when GitHub may have done it although it did not say so.
    pub(crate) fn once(mut self) -> Self {
        self.repeat_unsure = false;
        self
    }

    /// Method and path, for errors and logs.
    pub(crate) fn label(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

impl Github {
    /// Makes the call and gives GitHub's answer, whatever its status. A token that GitHub no longer accepts is
    /// replaced once.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, GithubError> {
        let Some(renewal) = &self.renewal else { return self.send_as(&self.octocrab, call).await };
        if let Some(renewed) = renewal.renewed() {
            return self.send_as(renewed, call).await;
        }
        let reply = self.send_as(&self.octocrab, call).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        self.send_as(renewal.renew().await?, call).await
    }

    async fn send_as(&self, octocrab: &Octocrab, call: &Call) -> Result<Reply, GithubError> {
        let longest = self.retry.longest_rate_limit;
        let answer = (|| self.attempt(octocrab, call))
            .retry(self.retry.backoff())
            .when(|fault| match fault {
                Fault::RateLimit { wait, .. } => *wait <= longest,
                Fault::Passing { done_perhaps, .. } => call.repeat_unsure || !done_perhaps,
                Fault::TooLarge => false,
            })
            .adjust(|fault, pause| match fault {
                Fault::RateLimit { wait, .. } => pause.map(|pause| (*wait).max(pause)),
                Fault::Passing { .. } | Fault::TooLarge => pause,
            })
            .notify(|fault: &Fault, pause: Duration| {
                let pause_ms = pause.as_millis();
                tracing::info!(call = call.label(), ?fault, pause_ms, "a call to GitHub is made again");
            })
            .await;
        answer.map_err(|fault| {
            let label = call.label();
            match fault {
                Fault::RateLimit { resets_at, .. } => GithubError::RateLimited { call: label, resets_at },
                Fault::Passing { reason, .. } => GithubError::Unavailable { call: label, reason },
                Fault::TooLarge => GithubError::TooLarge {
                    what: format!("the answer to {label}"),
                    limit: format!("{} bytes", call.max_bytes),
                },
            }
        })
    }

    async fn attempt(&self, octocrab: &Octocrab, call: &Call) -> Result<Reply, Fault> {
        let (mut status, mut headers, mut bytes) = exchange(octocrab, call, &call.path).await?;
        for _ in 0..MAX_REDIRECTS {
            if !(status.is_redirection() && call.method == Method::GET) {
                break;
            }
            let Some(target) = self.redirect_target(&headers) else { break };
            (status, headers, bytes) = exchange(octocrab, call, &target).await?;
        }
        if let Some(fault) = rate_limit(status, &headers, &bytes) {
            return Err(fault);
        }
        if status.is_server_error() {
            return Err(Fault::Passing { reason: format!("status {}", status.as_u16()), done_perhaps: true });
        }
        let request_id = headers.get("x-github-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        tracing::debug!(call = call.label(), status = status.as_u16(), request_id, "GitHub answered");
        Ok(Reply { call: call.label(), status, bytes })
    }

    /// Where a GET goes next: below our own base with the credential, anywhere else without. An address on another
    /// host may be a credential itself; it is never logged.
    fn redirect_target(&self, headers: &HeaderMap) -> Option<String> {
        let location: Url = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
        Some(self.transport.own_path(&location).unwrap_or_else(|| location.to_string()))
    }
}

async fn exchange(octocrab: &Octocrab, call: &Call, target: &str) -> Result<(StatusCode, HeaderMap, Bytes), Fault> {
    let passing = |reason: String, done_perhaps| Fault::Passing { reason, done_perhaps };
    let builder =
        http::Request::builder().method(&call.method).uri(target).header(ACCEPT, "application/vnd.github+json");
    let request =
        octocrab.build_request(builder, call.body.as_ref()).map_err(|error| passing(causes(&error), false))?;
    let response = octocrab.execute(request).await.map_err(|error| {
        let connected = !is_connect_error(&error);
        passing(causes(&error), connected)
    })?;
    let (parts, body) = response.into_parts();
    let bytes = match Limited::new(body, call.max_bytes).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Fault::TooLarge),
        Err(error) => return Err(passing(causes(&*error), true)),
    };
    Ok((parts.status, parts.headers, bytes))
}

impl Reply {
    /// Reads a successful answer.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubError> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.bytes);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| GithubError::Unexpected {
            call: self.call.clone(),
            reason: format!("at `{}`: {}", error.path(), error.inner()),
        })
    }

    /// The error that this answer is.
    pub(crate) fn refusal(&self) -> GithubError {
        let call = self.call.clone();
        match self.status {
            StatusCode::UNAUTHORIZED => GithubError::Unauthorized { call },
            status => GithubError::Refused { call, status: status.as_u16(), message: self.message() },
        }
    }

    /// GitHub's own words: its message and the messages of single errors.
    pub(crate) fn message(&self) -> String {
        let body: Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        let mut text = body["message"].as_str().unwrap_or("no message").to_owned();
        for error in body["errors"].as_array().into_iter().flatten() {
            let word = |key: &str| error[key].as_str().unwrap_or_default();
            let detail = match error {
                Value::String(text) => text.clone(),
                _ if error["message"].is_string() => word("message").to_owned(),
                _ => format!("{} {} {}", word("resource"), word("field"), word("code")),
            };
            text.push_str("; ");
            text.push_str(detail.trim());
        }
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE).collect()
    }
}

/// Whether not even a connection came about, so that GitHub cannot have seen the call.
fn is_connect_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error and its causes in one line, without what is said twice.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ").chars().take(MAX_MESSAGE).collect()
}

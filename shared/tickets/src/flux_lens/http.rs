//! One call: made, repeated where that helps, and read.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::client::{FluxLens, RetryPolicy};
use super::error::FluxLensError;

/// Largest answer that is read, bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longest part of the tracker's words that is kept, characters.
const MAX_DETAIL: usize = 400;

/// A call to be made.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) ticket: String,
    pub(super) body: Option<Value>,
    pub(super) idempotency_key: Option<String>,
}

impl Call {
    fn label(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

/// A try that may go better the next time.
#[derive(Debug)]
struct Fault {
    reason: String,
    retry_after: Option<Duration>,
}

/// How a try ended that gave no usable answer.
enum Ended {
    Passing(Fault),
    Final(FluxLensError),
}

impl RetryPolicy {
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
    }
}

impl FluxLens {
    /// Makes the call; repeats it after a passing fault. A comment may so be written twice, when only the answer to
    /// the first one was lost: the idempotency key lets the tracker see that.
    pub(super) async fn send(&self, call: &Call) -> Result<Vec<u8>, FluxLensError> {
        let longest = self.retry.longest_wait;
        let answer = (|| self.attempt(call))
            .retry(self.retry.backoff())
            .when(|ended| match ended {
                Ended::Passing(fault) => fault.retry_after.is_none_or(|wait| wait <= longest),
                Ended::Final(_) => false,
            })
            .adjust(|ended, pause| match ended {
                Ended::Passing(Fault { retry_after: Some(wait), .. }) => pause.map(|pause| pause.max(*wait)),
                _ => pause,
            })
            .notify(|ended: &Ended, pause: Duration| {
                if let Ended::Passing(fault) = ended {
                    let pause_ms = pause.as_millis();
                    tracing::info!(
                        call = call.label(),
                        reason = fault.reason,
                        pause_ms,
                        "a call to Flux Lens is made again"
                    );
                }
            })
            .await;
        answer.map_err(|ended| match ended {
            Ended::Final(error) => error,
            Ended::Passing(Fault { reason, retry_after }) => {
                FluxLensError::Unavailable { call: call.label(), reason, retry_after }
            }
        })
    }

    async fn attempt(&self, call: &Call) -> Result<Vec<u8>, Ended> {
        let mut request =
            self.http.request(call.method.clone(), call.url.clone()).bearer_auth(self.token.expose_secret());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let mut response = request.send().await.map_err(|error| passing(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| passing(&error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                let reason = format!("it has more than {MAX_ANSWER_BYTES} bytes");
                return Err(Ended::Final(FluxLensError::Unexpected { call: call.label(), reason }));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() { Ok(bytes) } else { Err(refused(call, status, &headers, &bytes)) }
    }
}

/// No answer: a connection that failed, broke or took too long. The address is left out: it is in the call's label.
fn passing(error: &reqwest::Error) -> Ended {
    let reason = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        let source = std::error::Error::source(error).map(ToString::to_string);
        format!("no connection{}", source.map(|text| format!(" ({text})")).unwrap_or_default())
    };
    Ended::Passing(Fault { reason, retry_after: None })
}

fn refused(call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Ended {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => passing_status(status, headers),
        status if status.is_server_error() => passing_status(status, headers),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Ended::Final(FluxLensError::Unauthorized { call: call.label(), status: status.as_u16() })
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Ended::Final(FluxLensError::NotFound { id: call.ticket.clone() }),
        _ => Ended::Final(FluxLensError::Refused { call: call.label(), status: status.as_u16(), detail: detail(body) }),
    }
}

fn passing_status(status: StatusCode, headers: &HeaderMap) -> Ended {
    Ended::Passing(Fault {
        reason: format!("status {}", status.as_u16()),
        retry_after: retry_after(headers, Timestamp::now()),
    })
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = at.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The `detail` of a problem document (RFC 9457), or the beginning of whatever else was answered.
fn detail(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let text = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.detail,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if line.is_empty() { "no reason was given".to_owned() } else { line.chars().take(MAX_DETAIL).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let wait = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Sun, 22 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(wait("Sun, 22 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn a_refusal_is_told_in_one_line() {
        assert_eq!(detail(br#"{"title":"No","detail":"it is\nfinal"}"#), "it is final");
        assert_eq!(detail(b"<html>\r\n  bad"), "<html> bad");
        assert_eq!(detail(b" "), "no reason was given");
        assert_eq!(detail("é".repeat(1_000).as_bytes()).chars().count(), MAX_DETAIL);
    }
}

//! When a call is made again, and after how long.

use std::time::Duration;

use backon::ExponentialBuilder;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// Bounds of the repeats of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repeats after the first try.
    pub repeats: usize,
    /// First pause after a passing fault; the following ones double, with jitter.
    pub first_pause: Duration,
    /// Longest pause after a passing fault.
    pub longest_pause: Duration,
    /// Longest pause that a rate limit may ask for; a longer one is given up at once.
    pub longest_rate_limit: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            repeats: 4,
            first_pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(5),
            longest_rate_limit: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    pub(crate) fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
    }
}

/// A try without a usable answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// GitHub told us to come back later.
    RateLimit { wait: Duration, resets_at: Option<Timestamp> },
    /// A fault that may pass, and whether GitHub may have done what was asked all the same.
    Passing { reason: String, done_perhaps: bool },
    /// The answer is larger than we read.
    TooLarge,
}

/// Reads a rate limit out of an answer. 403 also means "not allowed", so it counts only with one of the signs that
/// GitHub documents ("Best practices for using the REST API", handling rate limit errors).
pub(crate) fn rate_limit(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Fault> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Fault::RateLimit { wait: seconds_from(seconds), resets_at: None });
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let resets_at = number("x-ratelimit-reset").and_then(|at| Timestamp::from_second(at).ok());
        let wait = match resets_at {
            Some(at) => seconds_from(at.as_second().saturating_sub(server_time(headers).as_second()) + 1),
            None => Duration::from_mins(1),
        };
        return Some(Fault::RateLimit { wait, resets_at });
    }
    let text = String::from_utf8_lossy(body).to_lowercase();
    let secondary = text.contains("secondary rate limit") || text.contains("abuse detection");
    // "Wait for at least one minute", where GitHub does not say for how long.
    (secondary || status == StatusCode::TOO_MANY_REQUESTS)
        .then_some(Fault::RateLimit { wait: Duration::from_mins(1), resets_at: None })
}

/// The time by GitHub's own clock, because that is the one the limit ends by.
fn server_time(headers: &HeaderMap) -> Timestamp {
    let date = headers.get(http::header::DATE).and_then(|value| value.to_str().ok());
    date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()).map_or_else(Timestamp::now, |zoned| zoned.timestamp())
}

fn seconds_from(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn wait(status: u16, pairs: &[(&'static str, &str)], body: &str) -> Option<u64> {
        match rate_limit(StatusCode::from_u16(status).unwrap(), &headers(pairs), body.as_bytes()) {
            Some(Fault::RateLimit { wait, .. }) => Some(wait.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn the_wait_is_what_github_says() {
        assert_eq!(wait(429, &[("retry-after", "7")], ""), Some(7));
        assert_eq!(wait(403, &[("retry-after", "7")], ""), Some(7));
        let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let reset = Timestamp::from_second(1_795_341_600 + 30).unwrap();
        assert_eq!(reset.to_string(), "2026-11-22T10:00:30Z");
        let exhausted = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795341630"), date];
        assert_eq!(wait(403, &exhausted, ""), Some(31));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0")], ""), Some(60));
        assert_eq!(wait(403, &[], "You have exceeded a secondary rate limit."), Some(60));
        assert_eq!(wait(429, &[], ""), Some(60));
    }

    #[test]
    fn a_plain_refusal_is_no_rate_limit() {
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "4999")], "Resource not accessible by integration"), None);
        assert_eq!(wait(500, &[("retry-after", "1")], ""), None);
    }
}

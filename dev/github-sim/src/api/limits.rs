//! The hourly rate limit of each caller.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The window, in seconds.
const WINDOW: i64 = 3_600;

/// Where a caller stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(super) limit: u32,
    pub(super) used: u32,
    pub(super) reset: i64,
}

impl Allowance {
    pub(super) fn exceeded(self) -> bool {
        self.used > self.limit
    }

    pub(super) fn json(self) -> Value {
        json!({
            "limit": self.limit,
            "used": self.used.min(self.limit),
            "remaining": self.limit.saturating_sub(self.used),
            "reset": self.reset,
        })
    }

    pub(super) fn write_headers(self, headers: &mut HeaderMap) {
        let numbers = [
            ("x-ratelimit-limit", i64::from(self.limit)),
            ("x-ratelimit-remaining", i64::from(self.limit.saturating_sub(self.used))),
            ("x-ratelimit-reset", self.reset),
            ("x-ratelimit-used", i64::from(self.used.min(self.limit))),
        ];
        for (name, value) in numbers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        headers.insert("x-ratelimit-resource", HeaderValue::from_static("core"));
    }
}

/// Counts calls by caller and hour.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: u32,
    windows: Mutex<HashMap<String, (i64, u32)>>,
}

impl RateLimiter {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, windows: Mutex::default() }
    }

    /// Counts `cost` calls of this caller.
    pub(super) fn count(&self, caller: &str, now: Timestamp, cost: u32) -> Allowance {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(caller.to_owned()).or_insert((now.as_second() + WINDOW, 0));
        if window.0 <= now.as_second() {
            *window = (now.as_second() + WINDOW, 0);
        }
        window.1 = window.1.saturating_add(cost);
        Allowance { limit: self.limit, used: window.1, reset: window.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_hour_begins_anew() {
        let limiter = RateLimiter::new(2);
        let at = |s| Timestamp::from_second(s).unwrap();
        assert!(!limiter.count("a", at(0), 1).exceeded());
        assert!(!limiter.count("a", at(1), 1).exceeded());
        assert!(limiter.count("a", at(2), 1).exceeded());
        assert!(!limiter.count("b", at(2), 1).exceeded());
        let fresh = limiter.count("a", at(3_600), 1);
        assert_eq!((fresh.exceeded(), fresh.used, fresh.reset), (false, 1, 7_200));
    }
}

//! When a failed model call is made again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// How often and how patiently a call is repeated before its answer has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repeats after the first try.
    pub repeats: usize,
    /// First pause; it doubles each time, with jitter.
    pub first_pause: Duration,
    /// Longest pause, also where the provider asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// Five repeats from one second, at most 30 seconds each.
    fn default() -> Self {
        Self { repeats: 5, first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// The pauses between the tries.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
            .with_jitter()
            .build()
    }

    /// The pause before the next try: the provider's wish where it has one, within the limit.
    pub fn pause(&self, planned: Duration, wished: Option<Duration>) -> Duration {
        wished.map_or(planned, |wished| wished.max(planned)).min(self.longest_pause)
    }
}

/// Whether an answer with this status may be different the next time: too many requests, time-outs, server errors, and
/// Anthropic's 529 (overloaded).
pub const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_wish_is_kept_within_the_limit() {
        let policy = RetryPolicy { longest_pause: Duration::from_secs(10), ..RetryPolicy::default() };
        let pause = |planned, wished: Option<u64>| {
            policy.pause(Duration::from_secs(planned), wished.map(Duration::from_secs)).as_secs()
        };
        assert_eq!((pause(2, None), pause(2, Some(5)), pause(2, Some(1)), pause(2, Some(60))), (2, 5, 2, 10));
        assert_eq!(policy.pauses().count(), policy.repeats);
    }

    #[test]
    fn only_passing_failures_are_repeated() {
        for (status, transient) in [
            (429, true),
            (500, true),
            (503, true),
            (529, true),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (501, false),
        ] {
            assert_eq!(is_transient(status), transient, "{status}");
        }
    }
}

//! How often and when a call is tried again.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};

use crate::error::ModelError;

/// Limits of trying again. Pauses double and carry jitter; a provider's `Retry-After` replaces the computed pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after the first.
    pub retries: usize,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause. When a provider asks for a longer one, the call fails at once: the step's own retry, which
    /// costs nothing while it waits, is the better place for it.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 5, first_pause: Duration::from_secs(1), longest_pause: Duration::from_mins(1) }
    }
}

impl RetryPolicy {
    /// Runs `call` until it succeeds, fails for good, or neither tries nor time are left.
    pub(crate) async fn run<T, Fut>(&self, deadline: Instant, call: impl FnMut() -> Fut) -> Result<T, ModelError>
    where
        Fut: Future<Output = Result<T, ModelError>>,
    {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.retries)
            .with_jitter();
        call.retry(backoff)
            .sleep(tokio::time::sleep)
            .when(ModelError::is_retryable)
            .adjust(|error, pause| self.pause(error, pause, deadline.saturating_duration_since(Instant::now())))
            .notify(|error, pause| {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "the model call is tried again");
            })
            .await
    }

    /// The pause before the next try; `None`: there is none.
    fn pause(&self, error: &ModelError, computed: Option<Duration>, left: Duration) -> Option<Duration> {
        let pause = computed?;
        let pause = error.retry_after().unwrap_or(pause);
        (pause <= self.longest_pause && pause < left).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_obeys_the_provider_the_limit_and_the_deadline() {
        let policy = RetryPolicy::default();
        let busy = |after: Option<u64>| ModelError::from_status(429, after.map(Duration::from_secs), "busy");
        let second = Duration::from_secs(1);
        let hour = Duration::from_hours(1);
        assert_eq!(policy.pause(&busy(None), Some(second), hour), Some(second));
        assert_eq!(policy.pause(&busy(Some(7)), Some(second), hour), Some(7 * second));
        assert_eq!(policy.pause(&busy(Some(61)), Some(second), hour), None, "longer than we wait");
        assert_eq!(policy.pause(&busy(Some(7)), Some(second), 5 * second), None, "no time left");
        assert_eq!(policy.pause(&busy(Some(7)), None, hour), None, "no try left");
    }
}

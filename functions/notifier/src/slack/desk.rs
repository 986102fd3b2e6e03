//! Slack as this process uses it: one workflow after another, and not at all while Slack wants no calls.

use std::time::Duration;

use domain::Timestamp;
use domain::failure::FailureKind;
use jiff::SignedDuration;
use tokio::sync::{Mutex, MutexGuard};

use crate::unsent::Unsent;

/// How long nothing is tried after Slack did not answer: a batch must not spend its time on one call's timeout after
/// the other.
const SILENCE: SignedDuration = SignedDuration::from_secs(15);

/// Where messages to Slack queue up.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Option<Pause>>);

/// Nothing is tried before a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    until: Timestamp,
    /// Whether Slack named the time.
    named: bool,
}

/// A sender's turn.
pub(crate) struct Turn<'a>(MutexGuard<'a, Option<Pause>>);

impl Desk {
    /// Waits for one's turn.
    ///
    /// # Errors
    /// When Slack is to be left alone now.
    pub(crate) async fn turn(&self, now: fn() -> Timestamp) -> Result<Turn<'_>, Unsent> {
        let guard = self.0.lock().await;
        match *guard {
            Some(pause) if now() < pause.until => {
                let left = pause.until.duration_since(now());
                let left = Duration::from_secs(u64::try_from(left.as_secs()).unwrap_or(0) + 1);
                let again = pause.named.then_some(left);
                let message = "Slack takes no calls now; nothing was tried";
                Err(Unsent { again, ..Unsent::after(left, FailureKind::Transient, message) })
            }
            _ => Ok(Turn(guard)),
        }
    }
}

impl Turn<'_> {
    /// Notes how it went, for those who come next.
    pub(crate) fn end<T>(mut self, result: &Result<T, Unsent>, now: Timestamp) {
        *self.0 = match result {
            Err(Unsent { again, slack_is_away: true, .. }) => {
                let wait = again.and_then(|again| SignedDuration::try_from(again).ok()).unwrap_or(SILENCE);
                let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
                Some(Pause { until, named: again.is_some() })
            }
            _ => None,
        };
    }
}

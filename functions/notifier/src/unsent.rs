//! Why a message has to come back, and when.

use std::time::Duration;

use domain::failure::{Failure, FailureKind};
use slack::SlackError;
use store::StoreError;

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct Unsent {
    /// Why.
    pub failure: Failure,
    /// How long it should stay on its queue, where that is known; else as long as the queue says.
    pub again: Option<Duration>,
    /// Whether Slack is busy or down, so that nothing else need be tried there now.
    pub(crate) slack_is_away: bool,
}

impl Unsent {
    /// One that should come back after `again`.
    pub(crate) fn after(again: Duration, kind: FailureKind, message: impl Into<String>) -> Self {
        Self { failure: Failure::new(kind, message), again: Some(again), slack_is_away: false }
    }
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        Self { failure, again: None, slack_is_away: false }
    }
}

impl From<StoreError> for Unsent {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<SlackError> for Unsent {
    fn from(error: SlackError) -> Self {
        let again = match &error {
            SlackError::RateLimited { retry_after, .. } => Some(*retry_after),
            _ => None,
        };
        let slack_is_away = matches!(error, SlackError::RateLimited { .. } | SlackError::Unavailable { .. });
        Self { failure: error.into(), again, slack_is_away }
    }
}

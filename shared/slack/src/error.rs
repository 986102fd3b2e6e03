//! What can go wrong with a call.

use std::time::Duration;

use domain::failure::{Failure, FailureKind};

/// Why Slack did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    /// The client cannot be made.
    #[error("Slack's client cannot be set up: {0}")]
    Setup(String),
    /// Slack did not answer, or answered with a fault of its own. Whether it took the call is not known.
    #[error("Slack did not answer {method}: {reason}")]
    Unavailable {
        /// The method.
        method: String,
        /// What happened.
        reason: String,
    },
    /// Too many calls; nothing was done.
    #[error("Slack takes no {method} for another {} s", retry_after.as_secs())]
    RateLimited {
        /// The method.
        method: String,
        /// How long it asks us to wait.
        retry_after: Duration,
    },
    /// Slack refused; the word is its own.
    #[error("Slack refused {method}: {error}")]
    Refused {
        /// The method.
        method: String,
        /// Slack's word for why, such as `channel_not_found`.
        error: String,
    },
}

impl SlackError {
    /// Whether the answer stays the same however often one asks: what it was about is gone.
    pub fn is_final(&self) -> bool {
        let gone = [
            "message_not_found",
            "thread_not_found",
            "cant_update_message",
            "edit_window_closed",
            "expired_trigger_id",
            "user_not_found",
        ];
        matches!(self, Self::Refused { error, .. } if gone.contains(&error.as_str()))
    }
}

impl From<SlackError> for Failure {
    fn from(error: SlackError) -> Self {
        let kind = match error {
            SlackError::Setup(_) => FailureKind::Internal,
            SlackError::Unavailable { .. } | SlackError::RateLimited { .. } => FailureKind::Transient,
            SlackError::Refused { .. } => FailureKind::InvalidInput,
        };
        Self::new(kind, error.to_string())
    }
}

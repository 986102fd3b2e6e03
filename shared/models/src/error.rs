//! What a provider can do wrong.

use std::time::Duration;

use domain::failure::{Failure, FailureKind};

/// Longest text of a provider that is repeated, bytes.
const MAX_MESSAGE_BYTES: usize = 500;

/// Why a model call was not answered. The texts are the provider's own words, shortened; they hold no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Too many requests or tokens in a short time.
    #[error("the model provider limits our rate (HTTP {status}): {message}")]
    RateLimited {
        /// HTTP status.
        status: u16,
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
        /// The provider's words.
        message: String,
    },
    /// The provider is overloaded or broken.
    #[error("the model provider is overloaded or broken (HTTP {status}): {message}")]
    Unavailable {
        /// HTTP status; 200 when it broke in the middle of an answer.
        status: u16,
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
        /// The provider's words.
        message: String,
    },
    /// Nothing came for too long.
    #[error("the model provider was silent for {} seconds", .0.as_secs_f64().ceil())]
    Silent(Duration),
    /// The connection could not be made, or broke before the answer was whole.
    #[error("the connection to the model provider failed: {0}")]
    Disconnected(String),
    /// The request was refused; sending it again changes nothing.
    #[error("the model provider refused the request (HTTP {status}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The provider's words.
        message: String,
    },
    /// The answer does not follow the protocol.
    #[error("the model provider's answer could not be read: {0}")]
    Unreadable(String),
    /// The request could not be made: the configuration names something that does not work.
    #[error("the request to the model could not be made: {0}")]
    Misconfigured(String),
    /// The caller's deadline came first.
    #[error("time ran out before the model answered")]
    OutOfTime,
}

impl ModelError {
    /// The error for an HTTP status that is not a success.
    pub(crate) fn from_status(status: u16, retry_after: Option<Duration>, message: &str) -> Self {
        let message = shorten(message);
        match status {
            429 => Self::RateLimited { status, retry_after, message },
            408 | 409 | 425 | 500..=599 => Self::Unavailable { status, retry_after, message },
            _ => Self::Refused { status, message },
        }
    }

    /// Whether the same request may be answered when it is sent again.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::Silent(_)
            | Self::Disconnected(_)
            | Self::Unreadable(_) => true,
            Self::Refused { .. } | Self::Misconfigured(_) | Self::OutOfTime => false,
        }
    }

    /// How long the provider asks us to wait before the next try.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same error without `secret` in its texts, should a provider repeat the key that it was sent.
    #[must_use]
    pub(crate) fn without(mut self, secret: &str) -> Self {
        if let Self::RateLimited { message, .. }
        | Self::Unavailable { message, .. }
        | Self::Disconnected(message)
        | Self::Refused { message, .. }
        | Self::Unreadable(message) = &mut self
            && !secret.is_empty()
            && message.contains(secret)
        {
            *message = message.replace(secret, "[hidden]");
        }
        self
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let kind = match error {
            ModelError::OutOfTime => FailureKind::BudgetExceeded,
            _ => FailureKind::ModelUnavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// A provider's words on one line, without control characters, at most [`MAX_MESSAGE_BYTES`] long.
pub(crate) fn shorten(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > MAX_MESSAGE_BYTES {
        line.truncate(line.floor_char_boundary(MAX_MESSAGE_BYTES));
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_fall_into_classes() {
        let class = |status: u16| ModelError::from_status(status, None, "x");
        assert!(matches!(class(429), ModelError::RateLimited { .. }));
        for status in [408, 409, 500, 502, 503, 504, 529] {
            assert!(matches!(class(status), ModelError::Unavailable { .. }), "{status}");
            assert!(class(status).is_retryable(), "{status}");
        }
        for status in [400, 401, 403, 404, 413, 422, 302] {
            assert!(matches!(class(status), ModelError::Refused { .. }), "{status}");
            assert!(!class(status).is_retryable(), "{status}");
        }
    }

    #[test]
    fn texts_are_short_one_line_and_without_the_key() {
        let long = format!("bad\nkey sk-1 \u{1b}[31m{}", "é".repeat(400));
        let error = ModelError::from_status(401, None, &long).without("sk-1");
        let text = error.to_string();
        assert!(text.starts_with("the model provider refused the request (HTTP 401): bad key [hidden]"), "{text}");
        assert!(text.len() < 600 && !text.contains(char::is_control));
        let failure = Failure::from(error);
        assert_eq!(failure.kind, FailureKind::ModelUnavailable);
        assert_eq!(Failure::from(ModelError::OutOfTime).kind, FailureKind::BudgetExceeded);
    }
}

//! What can go wrong with a call of Flux Lens.

use std::time::Duration;

use domain::failure::{Failure, FailureKind};

/// Why a call did not do what was asked. No text holds the token or a comment's body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FluxLensError {
    /// The address or the token cannot be used at all.
    #[error("the Flux Lens client cannot be set up: {0}")]
    Setup(String),
    /// There is no such ticket, or we may not see it.
    #[error("Flux Lens knows no ticket {id}")]
    NotFound {
        /// The ticket's id.
        id: String,
    },
    /// The token is unknown, revoked or may not do this.
    #[error("Flux Lens did not accept our token for {call} ({status}); put a valid one into its secret")]
    Unauthorized {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
    },
    /// No usable answer after every try.
    #[error("Flux Lens did not answer {call}: {reason}")]
    Unavailable {
        /// Method and path.
        call: String,
        /// The last try's status or connection error.
        reason: String,
        /// How long Flux Lens asked us to wait, where it did.
        retry_after: Option<Duration>,
    },
    /// Flux Lens said no, for a reason that a repeat does not mend.
    #[error("Flux Lens refused {call} ({status}): {detail}")]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// Flux Lens's own words, shortened.
        detail: String,
    },
    /// An answer that its documentation does not know.
    #[error("Flux Lens's answer to {call} could not be understood: {reason}")]
    Unexpected {
        /// Method and path.
        call: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FluxLensError {
    /// The kind of failure that this is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable { .. } => FailureKind::Transient,
            Self::NotFound { .. } | Self::Refused { .. } => FailureKind::InvalidInput,
            Self::Setup(_) | Self::Unauthorized { .. } | Self::Unexpected { .. } => FailureKind::Internal,
        }
    }

    /// Whether Flux Lens has given an answer that stays the same however often it is asked: the ticket is gone, or
    /// what was asked is against its rules.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Refused { .. })
    }
}

impl From<FluxLensError> for Failure {
    fn from(error: FluxLensError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

//! What storage can answer instead of success.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use domain::failure::{Failure, FailureKind};
use domain::workflow::ApplyError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row or object.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The row changed since it was read, or another writer was first. Nothing was written: read again and decide
    /// again.
    #[error("{0} changed meanwhile")]
    Conflict(String),
    /// The stored data cannot be read as what it should be.
    #[error("{what} cannot be read: {reason}")]
    Malformed {
        /// Which row or object.
        what: String,
        /// Why.
        reason: String,
    },
    /// The object is larger than the reader takes.
    #[error("{what} has more than {limit} bytes")]
    TooLarge {
        /// Which object.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The service did not do it. `retryable` says whether trying again can help.
    #[error("{action} failed: {reason}")]
    Service {
        /// What was tried.
        action: &'static str,
        /// The service's answer.
        reason: String,
        /// Whether trying again can help.
        retryable: bool,
    },
}

impl StoreError {
    pub(crate) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { what: what.into(), reason: reason.to_string() }
    }

    /// A service error, sorted by its code.
    pub(crate) fn service<E, R>(action: &'static str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let refused = matches!(
            error.as_service_error().and_then(ProvideErrorMetadata::code),
            Some(
                "AccessDenied"
                    | "AccessDeniedException"
                    | "ValidationException"
                    | "ResourceNotFoundException"
                    | "NoSuchBucket"
            )
        );
        Self::Service { action, reason: DisplayErrorContext(error).to_string(), retryable: !refused }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NotFound(_) | StoreError::Malformed { .. } | StoreError::TooLarge { .. } => {
                FailureKind::Inconsistent
            }
            StoreError::Conflict(_) => FailureKind::Contention,
            StoreError::Service { retryable: true, .. } => FailureKind::Transient,
            StoreError::Service { retryable: false, .. } => FailureKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

/// The failure that an event which cannot happen stands for.
pub(crate) fn apply_failure(error: &ApplyError) -> Failure {
    let kind = match error {
        ApplyError::NotAllowed { .. } | ApplyError::Outdated { .. } => FailureKind::Superseded,
        ApplyError::Json(_) => FailureKind::Internal,
    };
    Failure::new(kind, error.to_string())
}

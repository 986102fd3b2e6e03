//! Errors of a step, under the name that the state machine matches.

use domain::failure::{Failure, FailureKind};
use lambda_runtime::Diagnostic;
use serde::de::DeserializeOwned;

/// A [`Failure`] as the Lambda runtime reports it: its kind is the error's type.
#[derive(Debug)]
pub struct StepFailure(pub Failure);

impl From<Failure> for StepFailure {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<StepFailure> for Diagnostic {
    fn from(StepFailure(failure): StepFailure) -> Self {
        Self { error_type: failure.kind.as_str().to_owned(), error_message: failure.message }
    }
}

/// Reads a step's input, so that a wrong one is an `InvalidInput` that names the field and not an error of the
/// runtime that the state machine does not know.
///
/// # Errors
/// [`FailureKind::InvalidInput`].
pub fn input<T: DeserializeOwned>(payload: serde_json::Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        Failure::new(FailureKind::InvalidInput, format!("the input's field `{}`: {}", error.path(), error.inner()))
    })
}

/// Logs a failure once, at the function's border, and hands it to the runtime.
pub fn fail(failure: Failure) -> StepFailure {
    tracing::error!(kind = %failure.kind, message = %failure.message, "the step failed");
    StepFailure(failure)
}

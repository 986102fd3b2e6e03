//! Spending task tokens of the state machine. Only functions with `states:SendTask*` can.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata};
use domain::failure::{Failure, FailureKind};
use domain::ids::TaskToken;
use serde::Serialize;

/// The answers that mean that nobody waits for the token any more: all one class.
const WAIT_CLOSED: &[&str] = &["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/// Hands `output` to the waiting state. A wait that was closed already is fine.
///
/// # Errors
/// `Transient` when Step Functions does not answer.
pub async fn succeed<T: Serialize + Sync>(client: &Client, token: &TaskToken, output: &T) -> Result<(), Failure> {
    let output = serde_json::to_string(output)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("an answer could not be written: {error}")))?;
    match client.send_task_success().task_token(token.expose()).output(output).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code().is_some_and(|code| WAIT_CLOSED.contains(&code)) => Ok(()),
        Err(error) => Err(not_taken("an answer", DisplayErrorContext(error))),
    }
}

/// Ends the waiting state with a failure, whose kind is the error's name. A wait that was closed already is fine.
///
/// # Errors
/// `Transient` when Step Functions does not answer.
pub async fn fail(client: &Client, token: &TaskToken, failure: &Failure) -> Result<(), Failure> {
    let call = client.send_task_failure().task_token(token.expose()).error(failure.kind.as_str());
    match call.cause(&failure.message).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code().is_some_and(|code| WAIT_CLOSED.contains(&code)) => Ok(()),
        Err(error) => Err(not_taken("a failure", DisplayErrorContext(error))),
    }
}

fn not_taken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Transient, format!("the state machine did not take {what}: {error}"))
}

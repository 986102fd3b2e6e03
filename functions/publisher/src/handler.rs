//! One entry for every step of the state machine that this function does.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::steps::PublishStep;
use serde_json::Value;

use crate::config::Context;
use crate::steps;

/// Does a step.
///
/// # Errors
/// A [`Failure`], whose kind is the error name that the state machine sees.
pub async fn handle(context: &Context, payload: Value, now: Timestamp) -> Result<Value, Failure> {
    match runtime::step::input(payload)? {
        PublishStep::Publish { workflow_id } => answer(&steps::publish_step(context, &workflow_id, now).await?),
        PublishStep::Merge { workflow_id } => answer(&steps::merge_step(context, &workflow_id, now).await?),
        PublishStep::Close { workflow_id } => answer(&steps::close_step(context, &workflow_id, now).await?),
    }
}

fn answer<T: serde::Serialize>(output: &T) -> Result<Value, Failure> {
    serde_json::to_value(output).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

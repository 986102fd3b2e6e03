//! Starting the state machine. The name is the workflow's id, so a second start is the same start.

use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata};
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::steps::ExecutionInput;

use crate::config::Context;

/// Starts the workflow's execution, if it was not started before.
pub(crate) async fn start(context: &Context, id: &WorkflowId) -> Result<(), Failure> {
    let input = ExecutionInput { workflow_id: id.clone(), from: None };
    let input =
        serde_json::to_string(&input).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let call = context.sfn.start_execution().state_machine_arn(&context.config.state_machine);
    match call.name(id.as_str()).input(input).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(()),
        Err(error) => Err(Failure::new(
            FailureKind::Transient,
            format!("the workflow {id} could not be started: {}", DisplayErrorContext(error)),
        )),
    }
}

//! Stopping on request. The request itself stands in the workflow's row already; this makes the waiting parts notice:
//! the queue for a slot, the open gate, the running sandbox. The next step then ends the workflow.

use aws_sdk_ecs::error::DisplayErrorContext;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, DecideAnswer};
use domain::ids::WorkflowId;
use domain::steps::Done;

use crate::{Context, slots};

pub(crate) async fn cancel(context: &Context, id: &WorkflowId) -> Result<Done, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.state.is_terminal() || workflow.cancel_requested.is_none() {
        return Ok(Done::Done);
    }
    slots::leave_queues(context, id).await?;
    if workflow.open_gate.is_some() {
        let request = ApprovalRequest::Cancel { workflow_id: id.clone() };
        let _: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
    }
    stop_tasks(context, id).await?;
    Ok(Done::Done)
}

/// Stops the workflow's sandboxes: every task that was started by it.
async fn stop_tasks(context: &Context, id: &WorkflowId) -> Result<(), Failure> {
    let broken = |what: &str, error: String| {
        Failure::new(FailureKind::Transient, format!("the workflow's sandbox could not be {what}: {error}"))
    };
    let listed = context
        .ecs
        .list_tasks()
        .cluster(&context.config.cluster)
        .started_by(id.as_str())
        .send()
        .await
        .map_err(|error| broken("found", DisplayErrorContext(error).to_string()))?;
    for task in listed.task_arns() {
        context
            .ecs
            .stop_task()
            .cluster(&context.config.cluster)
            .task(task)
            .reason("the ticket was cancelled")
            .send()
            .await
            .map_err(|error| broken("stopped", DisplayErrorContext(error).to_string()))?;
    }
    Ok(())
}

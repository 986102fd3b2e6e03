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

/// Most tasks that one request describes.
const DESCRIBED_AT_ONCE: usize = 100;

/// Stops the workflow's sandboxes: every running task of the cluster whose group is the workflow. (A state machine
/// cannot set a task's `startedBy`, by which ECS could list them: Step Functions sets it to its own name.)
async fn stop_tasks(context: &Context, id: &WorkflowId) -> Result<(), Failure> {
    let broken = |what: &str, error: String| {
        Failure::new(FailureKind::Transient, format!("the workflow's sandbox could not be {what}: {error}"))
    };
    let cluster = &context.config.cluster;
    let mut pages = context.ecs.list_tasks().cluster(cluster).into_paginator().items().send();
    let mut running = Vec::new();
    while let Some(task) = pages.next().await {
        running.push(task.map_err(|error| broken("found", DisplayErrorContext(error).to_string()))?);
    }
    for some in running.chunks(DESCRIBED_AT_ONCE) {
        let described = context
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(some.to_vec()))
            .send()
            .await
            .map_err(|error| broken("found", DisplayErrorContext(error).to_string()))?;
        let ours = described.tasks().iter().filter(|task| task.group() == Some(id.as_str()));
        for task in ours.filter_map(|task| task.task_arn()) {
            context
                .ecs
                .stop_task()
                .cluster(cluster)
                .task(task)
                .reason("the ticket was cancelled")
                .send()
                .await
                .map_err(|error| broken("stopped", DisplayErrorContext(error).to_string()))?;
        }
    }
    Ok(())
}

//! Running sandboxes. A task names its workflow as its group: Step Functions keeps `startedBy` for itself.

use aws_sdk_ecs::error::DisplayErrorContext;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::steps::Done;
use store::StoreError;

use crate::Context;

/// Tasks that one call of ECS describes.
const BATCH: usize = 100;

/// Stops every running sandbox whose workflow is wanted.
pub(crate) async fn stop(
    context: &Context,
    reason: &str,
    wanted: impl Fn(&WorkflowId) -> bool + Send,
) -> Result<(), Failure> {
    for (arn, id) in running(context).await?.into_iter().filter(|(_, id)| wanted(id)) {
        let call = context.ecs.stop_task().cluster(&context.config.cluster).task(arn).reason(reason);
        call.send().await.map_err(|error| broken(DisplayErrorContext(error)))?;
        tracing::info!(workflow = %id, reason, "a sandbox was stopped");
    }
    Ok(())
}

/// Stops sandboxes that outlived their workflow.
pub(crate) async fn sweep(context: &Context) -> Result<Done, Failure> {
    let mut ended = Vec::new();
    for (_, id) in running(context).await? {
        let has_ended = match context.store.workflow(&id).await {
            Ok(workflow) => workflow.state.is_terminal(),
            Err(StoreError::NotFound(_)) => true,
            Err(error) => {
                tracing::error!(workflow = %id, %error, "a sandbox's workflow cannot be read; the sandbox is left alone");
                false
            }
        };
        if has_ended {
            ended.push(id);
        }
    }
    if !ended.is_empty() {
        stop(context, "its workflow has ended", |id| ended.contains(id)).await?;
    }
    Ok(Done::Done)
}

async fn running(context: &Context) -> Result<Vec<(String, WorkflowId)>, Failure> {
    let cluster = &context.config.cluster;
    let arns: Vec<String> = context
        .ecs
        .list_tasks()
        .cluster(cluster)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .map_err(|error| broken(DisplayErrorContext(error)))?;
    let mut tasks = Vec::new();
    for batch in arns.chunks(BATCH) {
        let described = context
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(batch.to_vec()))
            .send()
            .await
            .map_err(|error| broken(DisplayErrorContext(error)))?;
        tasks.extend(described.tasks().iter().filter_map(|task| {
            let id = task.group()?.parse::<WorkflowId>().ok()?;
            Some((task.task_arn()?.to_owned(), id))
        }));
    }
    Ok(tasks)
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Transient, format!("ECS did not answer: {error}"))
}

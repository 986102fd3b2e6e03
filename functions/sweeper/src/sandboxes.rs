//! Sandboxes of workflows that have ended.

use aws_sdk_ecs::error::DisplayErrorContext;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use store::StoreError;

use crate::Context;

/// Tasks that one call of ECS describes.
const BATCH: usize = 100;

/// Stops tasks whose workflow has ended.
pub(crate) async fn stop_orphans(context: &Context) -> Result<u32, Failure> {
    let broken = |error: String| Failure::new(FailureKind::Transient, format!("ECS did not answer: {error}"));
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
        .map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
    let mut stopped = 0;
    for batch in arns.chunks(BATCH) {
        let described = context
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(batch.to_vec()))
            .send()
            .await
            .map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
        for task in described.tasks() {
            let workflow = task.started_by().and_then(|text| text.parse::<WorkflowId>().ok());
            let (Some(id), Some(arn)) = (workflow, task.task_arn()) else { continue };
            if has_ended(context, &id).await? {
                let call = context.ecs.stop_task().cluster(cluster).task(arn).reason("its workflow has ended");
                call.send().await.map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
                tracing::warn!(workflow = %id, "a sandbox outlived its workflow and was stopped");
                stopped += 1;
            }
        }
    }
    Ok(stopped)
}

async fn has_ended(context: &Context, id: &WorkflowId) -> Result<bool, Failure> {
    match context.store.workflow(id).await {
        Ok(workflow) => Ok(workflow.state.is_terminal()),
        Err(StoreError::NotFound(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

//! One entry for every step of the state machine that this function does.

use domain::Timestamp;
use domain::failure::Failure;
use domain::steps::WorkflowStep;
use serde_json::Value;

use crate::{Context, amend_spec, cancel, collect_qa, collect_run, edit_spec, finish, prepare, slots, tasks};

/// Does a step.
///
/// Each step's future is on the heap: together they would be too deep a type for the compiler.
///
/// # Errors
/// A [`Failure`], whose kind is the error name that the state machine sees.
pub async fn handle(context: &Context, payload: Value, now: Timestamp) -> Result<Value, Failure> {
    match runtime::step::input(payload)? {
        WorkflowStep::AcquireSlot { workflow_id, pool, task_token } => {
            answer(&Box::pin(slots::acquire(context, &workflow_id, pool, &task_token, now)).await?)
        }
        WorkflowStep::ReleaseSlot { workflow_id, pool } => {
            answer(&Box::pin(slots::release(context, &workflow_id, pool)).await?)
        }
        WorkflowStep::Prepare { workflow_id } => answer(&Box::pin(prepare::prepare(context, &workflow_id, now)).await?),
        WorkflowStep::CollectRun { workflow_id, attempt, task_error } => {
            answer(&Box::pin(collect_run::collect(context, &workflow_id, attempt, task_error, now)).await?)
        }
        WorkflowStep::AmendSpec { workflow_id, attempt } => {
            answer(&Box::pin(amend_spec::amend_spec(context, &workflow_id, attempt, now)).await?)
        }
        WorkflowStep::EditSpec { workflow_id, of, draft, by } => {
            answer(&Box::pin(edit_spec::edit_spec(context, &workflow_id, of, *draft, &by, now)).await?)
        }
        WorkflowStep::CollectQa { workflow_id, attempt, task_error } => {
            answer(&Box::pin(collect_qa::collect(context, &workflow_id, attempt, task_error, now)).await?)
        }
        WorkflowStep::Finish { workflow_id, error, execution } => {
            answer(&Box::pin(finish::finish(context, &workflow_id, execution.as_deref(), error, now)).await?)
        }
        WorkflowStep::ExecutionEnded { execution, error } => {
            let (id, name) = (&execution.workflow_id, execution.to_string());
            answer(&Box::pin(finish::finish(context, id, Some(&name), Some(error), now)).await?)
        }
        WorkflowStep::SweepSlots { pool } => answer(&Box::pin(slots::sweep(context, pool)).await?),
        WorkflowStep::PauseSlots { pool, pause } => answer(&Box::pin(slots::pause(context, pool, pause)).await?),
        WorkflowStep::SweepSandboxes => answer(&Box::pin(tasks::sweep(context)).await?),
        WorkflowStep::Cancel { workflow_id } => answer(&Box::pin(cancel::cancel(context, &workflow_id)).await?),
    }
}

fn answer<T: serde::Serialize>(output: &T) -> Result<Value, Failure> {
    serde_json::to_value(output)
        .map_err(|error| Failure::new(domain::failure::FailureKind::Internal, error.to_string()))
}

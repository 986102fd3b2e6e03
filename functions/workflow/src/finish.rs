//! The end of every workflow. Runs after the last step, after every caught error, and once more for executions that
//! failed, timed out or were stopped without any step noticing. Doing it again changes nothing.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, DecideAnswer};
use domain::gate::{DecisionRequest, Verdict};
use domain::ids::{GateId, WorkflowId};
use domain::slot::SlotPool;
use domain::state::WorkflowState;
use domain::steps::{FinishOutput, StepError};
use domain::workflow::{Event, Workflow};
use runtime::metrics::{Unit, emit};
use serde::Deserialize;

use crate::prepare::actor;
use crate::{Context, slots};

pub(crate) async fn finish(
    context: &Context,
    id: &WorkflowId,
    execution: Option<&str>,
    error: Option<StepError>,
    now: Timestamp,
) -> Result<FinishOutput, Failure> {
    let before = context.store.workflow(id).await?;
    if execution.is_some_and(|name| name != before.execution().to_string()) {
        tracing::info!(workflow = %id, execution, "an earlier execution has ended; the workflow was resumed since");
        return Ok(FinishOutput { state: before.state });
    }
    // First, while the workflow still names it: a crash in between is made good by the next call.
    if let Some(gate) = before.open_gate {
        close_gate(context, gate).await?;
    }
    let decide = |current: &Workflow| {
        let same = current.resumed == before.resumed;
        Ok(last_event(current, error.as_ref()).filter(|_| same))
    };
    let after = context.store.record(id, &actor(), now, decide).await?;
    if after.resumed != before.resumed {
        // It ended and was resumed while we looked: the slots are the next execution's.
        return Ok(FinishOutput { state: after.state });
    }
    for pool in SlotPool::ALL {
        slots::release(context, id, pool).await?;
    }
    if !before.state.is_terminal() {
        let state = after.state.as_str();
        emit(now.as_millisecond(), "WorkflowsEnded", Unit::Count, 1.0, Some(("state", state)));
        let millis = now.as_millisecond() - after.created_at.as_millisecond();
        #[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds is far below 2^52")]
        emit(now.as_millisecond(), "WorkflowDuration", Unit::Milliseconds, millis as f64, Some(("state", state)));
    }
    tracing::info!(workflow = %id, state = %after.state, "the workflow has ended");
    Ok(FinishOutput { state: after.state })
}

/// The workflow ended while somebody was asked: nobody can decide any more, and the inboxes forget it.
async fn close_gate(context: &Context, gate: GateId) -> Result<(), Failure> {
    let decision = DecisionRequest::fact(Verdict::Cancel, actor(), Some("The workflow has ended.".to_owned()));
    let request = ApprovalRequest::Decide { gate, decision };
    let answer: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
    tracing::info!(?answer, "the gate of an ended workflow was closed");
    Ok(())
}

/// What ends the workflow, if it has not ended.
fn last_event(workflow: &Workflow, error: Option<&StepError>) -> Option<Event> {
    match (workflow.state, error) {
        (state, _) if state.is_terminal() => None,
        (WorkflowState::Merged, _) => Some(Event::Completed),
        (_, _) if workflow.cancel_requested.is_some() => Some(Event::Cancelled),
        (_, Some(error)) => Some(Event::Failed { failure: failure(error) }),
        (state, None) => Some(Event::Failed {
            failure: Failure::new(
                FailureKind::Inconsistent,
                format!("the state machine came to its end while the workflow was in state {state}"),
            ),
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaCause {
    error_message: String,
}

/// The step's error as a failure of ours. The cause of a Lambda's error is JSON with the message in it.
fn failure(error: &StepError) -> Failure {
    let known = FailureKind::ALL.into_iter().find(|kind| kind.as_str() == error.error);
    let message = match serde_json::from_str::<LambdaCause>(&error.cause) {
        Ok(cause) => cause.error_message,
        Err(_) => error.cause.chars().take(2_000).collect(),
    };
    match known {
        Some(kind) => Failure::new(kind, message),
        None if error.error.ends_with("Timeout") || error.error.ends_with("Timedout") => {
            Failure::new(FailureKind::Transient, format!("a step took too long ({}): {message}", error.error))
        }
        None => Failure::new(FailureKind::Internal, format!("{}: {message}", error.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lambda_error_keeps_its_kind_and_message() {
        let error = StepError {
            error: "ModelUnavailable".to_owned(),
            cause: r#"{"errorType":"ModelUnavailable","errorMessage":"529 from the provider"}"#.to_owned(),
        };
        assert_eq!(failure(&error), Failure::new(FailureKind::ModelUnavailable, "529 from the provider"));
    }

    #[test]
    fn timeouts_and_unknown_errors_are_told_apart() {
        let error = |name: &str| StepError { error: name.to_owned(), cause: "x".to_owned() };
        assert_eq!(failure(&error("States.Timeout")).kind, FailureKind::Transient);
        assert_eq!(failure(&error("Sandbox.Timedout")).kind, FailureKind::Transient);
        assert_eq!(failure(&error("Runtime.ExitError")).kind, FailureKind::Internal);
    }
}

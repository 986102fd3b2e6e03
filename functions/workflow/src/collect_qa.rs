//! After the quality gates: pass, once more, or the end.

use domain::failure::{Failure, FailureKind};
use domain::ids::{Attempt, WorkflowId};
use domain::qa::QaReport;
use domain::state::WorkflowState;
use domain::steps::{CollectOutput, StepError};
use domain::task::{RunKind, RunOutcome};
use domain::workflow::{Event, Workflow};
use domain::{Digest, Timestamp};
use store::{StoreError, keys};

use crate::collect_run::{ended, fail_attempt};
use crate::prepare::actor;
use crate::{Context, feedback, report};

/// Largest QA report, bytes.
const MAX_QA_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) async fn collect(
    context: &Context,
    id: &WorkflowId,
    attempt: Attempt,
    task_error: Option<StepError>,
    now: Timestamp,
) -> Result<CollectOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.cancel_requested.is_some() {
        return Ok(CollectOutput::Cancelled);
    }
    match workflow.state {
        state if state.is_terminal() => return Ok(ended(state)),
        _ if workflow.attempt > attempt => return Ok(CollectOutput::Retry),
        WorkflowState::QaRunning if workflow.attempt == attempt => {}
        state => return Err(Failure::new(FailureKind::Superseded, format!("no QA can be collected in state {state}"))),
    }
    let Some((qa, digest)) = read(context, &workflow).await? else {
        let reason = feedback::no_report("quality gates'", task_error.as_ref());
        return fail_attempt(context, &workflow, reason, vec![], now).await;
    };
    let passed = qa.passed();
    let after = context
        .store
        .record(id, &actor(), now, |current| {
            let known = current.qa.as_ref().is_some_and(|qa| qa.attempt == attempt);
            Ok((!known).then(|| Event::QaFinished {
                attempt,
                passed,
                report: digest,
                blocking: qa.blocking().map(|gate| gate.name.clone()).collect(),
                findings: u32::try_from(qa.findings.len()).unwrap_or(u32::MAX),
            }))
        })
        .await?;
    if after.cancel_requested.is_some() {
        return Ok(CollectOutput::Cancelled);
    }
    if passed {
        return Ok(CollectOutput::Passed);
    }
    fail_attempt(context, &after, feedback::failed_gates(&qa), vec![], now).await
}

/// The QA report of the current attempt, if the sandbox came to its end and tested the verified change set.
async fn read(context: &Context, workflow: &Workflow) -> Result<Option<(QaReport, Digest)>, Failure> {
    let Some(run) = report::read(context, workflow, RunKind::Qa).await? else { return Ok(None) };
    if run.outcome != RunOutcome::Completed {
        tracing::warn!(workflow = %workflow.id, outcome = ?run.outcome, "the quality gates' sandbox did not complete");
        return Ok(None);
    }
    let key = keys::objects::qa_json(&workflow.id, workflow.attempt);
    let bytes = match context.objects.get(&key, MAX_QA_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound(_) | StoreError::TooLarge { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let digest = Digest::of(&bytes);
    let tested = workflow.changes.as_ref().map(|changes| changes.digest);
    let qa = serde_json::from_slice::<QaReport>(&bytes).ok().filter(|qa| {
        run.qa_report == Some(digest)
            && qa.workflow_id == workflow.id
            && qa.attempt == workflow.attempt
            && Some(qa.change_set) == tested
    });
    Ok(qa.map(|qa| (qa, digest)))
}

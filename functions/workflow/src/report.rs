//! Reading what a sandbox reports. Nothing in it is trusted beyond its form.

use domain::failure::{Failure, FailureKind};
use domain::task::{RunKind, RunReport};
use domain::workflow::Workflow;
use store::keys;

use crate::Context;

/// Largest report, bytes.
const MAX_REPORT_BYTES: u64 = 1024 * 1024;

/// The report of the current attempt's sandbox; `None` when there is none that counts.
pub(crate) async fn read(context: &Context, workflow: &Workflow, kind: RunKind) -> Result<Option<RunReport>, Failure> {
    let key = keys::objects::report(&workflow.id, workflow.attempt, kind);
    let bytes = match context.objects.try_get(&key, MAX_REPORT_BYTES).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) | Err(store::StoreError::TooLarge { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let report = serde_json::from_slice::<RunReport>(&bytes).ok();
    Ok(report.filter(|report| report.workflow_id == workflow.id && report.attempt == workflow.attempt))
}

/// A value of the right form that says something impossible.
pub(crate) fn inconsistent(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Inconsistent, message)
}

//! After the agent: is what it left within the approved SPEC?

use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::failure::{Failure, FailureKind};
use domain::ids::{Attempt, WorkflowId};
use domain::spec::Spec;
use domain::state::WorkflowState;
use domain::steps::{CollectOutput, StepError};
use domain::task::{RunKind, RunOutcome, RunReport};
use domain::verify::{BaseFiles, NotVerified, VerifiedChangeSet, VerifyContext, Violation};
use domain::workflow::{ChangedFile, Event, Workflow};
use domain::{Digest, Timestamp};
use store::{StoreError, change_set, keys};

use crate::diff::{self, Before};
use crate::prepare::{actor, approved_spec};
use crate::report::inconsistent;
use crate::{Context, feedback, report, sandbox};

/// Most bytes of the texts before a run that are read.
const MAX_BEFORE_BYTES: u64 = 32 * 1024 * 1024;

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
    if let Some(output) = already_collected(context, &workflow, attempt).await? {
        return Ok(output);
    }
    let Some(report) = report::read(context, &workflow, RunKind::Agent).await? else {
        return fail_attempt(context, &workflow, feedback::no_report("agent's", task_error.as_ref()), vec![], now)
            .await;
    };
    record_end(context, &workflow, &report, now).await?;
    match &report.outcome {
        RunOutcome::Completed => {}
        RunOutcome::ScopeChangeRequested { .. } => return Ok(CollectOutput::ScopeChangeRequested),
        RunOutcome::BudgetExceeded { limit } => {
            return Err(Failure::new(FailureKind::BudgetExceeded, format!("the ticket's budget is used up: {limit}")));
        }
        RunOutcome::ModelFailed { message } => {
            return Err(Failure::new(FailureKind::ModelUnavailable, format!("the model did not answer: {message}")));
        }
        outcome => return fail_attempt(context, &workflow, feedback::broken_run(outcome), vec![], now).await,
    }
    match verified(context, &workflow, &report).await? {
        Ok(verified) => accept(context, &workflow, &verified, now).await,
        Err(NotVerified::Empty) => {
            let reason = "The agent ended without changing any file.".to_owned();
            fail_attempt(context, &workflow, reason, vec![], now).await
        }
        Err(NotVerified::Violations(list)) => {
            fail_attempt(context, &workflow, feedback::violations(&list), list, now).await
        }
    }
}

/// The step may be tried again after its answer was lost: then what was recorded is the answer.
async fn already_collected(
    context: &Context,
    workflow: &Workflow,
    attempt: Attempt,
) -> Result<Option<CollectOutput>, Failure> {
    Ok(match workflow.state {
        state if state.is_terminal() => Some(ended(state)),
        _ if workflow.attempt > attempt => Some(CollectOutput::Retry),
        WorkflowState::QaRunning if workflow.changes.as_ref().is_some_and(|changes| changes.attempt == attempt) => {
            let task_url = sandbox::write_qa_task(context, workflow).await?;
            Some(CollectOutput::Verified { attempt, task_url })
        }
        WorkflowState::Executing if workflow.attempt == attempt => None,
        state => {
            return Err(Failure::new(FailureKind::Superseded, format!("no run can be collected in state {state}")));
        }
    })
}

/// The answer for a workflow that has ended.
pub(crate) fn ended(state: WorkflowState) -> CollectOutput {
    if state == WorkflowState::Cancelled { CollectOutput::Cancelled } else { CollectOutput::Failed }
}

async fn record_end(context: &Context, workflow: &Workflow, report: &RunReport, now: Timestamp) -> Result<(), Failure> {
    let attempt = workflow.attempt;
    context
        .store
        .record(&workflow.id, &actor(), now, |current| {
            Ok((current.run_ended != Some(attempt)).then(|| Event::RunEnded {
                attempt,
                outcome: report.outcome.clone(),
                usage: report.usage,
                isolation: report.isolation.clone(),
                refused_connections: report.refused_connections,
                model: Some(context.config.model.model.clone()),
            }))
        })
        .await?;
    Ok(())
}

/// Records that the attempt was not good enough; the workflow's limits say whether another follows.
pub(crate) async fn fail_attempt(
    context: &Context,
    workflow: &Workflow,
    reason: String,
    violations: Vec<Violation>,
    now: Timestamp,
) -> Result<CollectOutput, Failure> {
    let attempt = workflow.attempt;
    let after = context
        .store
        .record(&workflow.id, &actor(), now, |current| {
            let current_attempt = current.attempt == attempt && !current.state.is_terminal();
            let event = Event::AttemptFailed { attempt, reason: reason.clone(), violations: violations.clone() };
            Ok(current_attempt.then_some(event))
        })
        .await?;
    Ok(if after.state.is_terminal() { ended(after.state) } else { CollectOutput::Retry })
}

/// A change set that was verified and stored, with what it was compared with.
pub(crate) struct Verified {
    set: VerifiedChangeSet,
    /// Digest of its archive.
    pub(crate) digest: Digest,
    spec: Spec,
    base: BaseFiles,
}

/// The change set of the current attempt, checked against the approved SPEC and stored as verified.
pub(crate) async fn verified(
    context: &Context,
    workflow: &Workflow,
    report: &RunReport,
) -> Result<Result<Verified, NotVerified>, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let bytes = match context.objects.get(&keys::objects::changes(id, attempt), MAX_ARCHIVE_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound(_)) => return Ok(Err(broken("the run uploaded no change set"))),
        Err(StoreError::TooLarge { .. }) => return Ok(Err(broken("the change set is too large"))),
        Err(error) => return Err(error.into()),
    };
    let digest = Digest::of(&bytes);
    if report.changes != Some(digest) {
        return Ok(Err(broken("the change set is not the one that the run reported")));
    }
    let archive = match change_set::read(&bytes) {
        Ok(archive) => archive,
        Err(error) => return Ok(Err(broken(&error.to_string()))),
    };
    let spec = approved_spec(context, workflow).await?;
    let base = base_files(context, workflow).await?;
    let known = context.store.known_secrets().await?;
    let base_commit = workflow.run_base.as_ref().ok_or_else(|| inconsistent("the run has no base commit"))?;
    let verify_context = VerifyContext {
        spec: &spec,
        attempt,
        base_commit,
        base: &base,
        known: &known,
        policy: context.config.verify_policy(),
    };
    match domain::verify::verify(&archive.manifest, &archive.contents, verify_context) {
        Ok(set) => {
            context.objects.put(&keys::objects::verified(id, attempt), bytes, "application/zstd").await?;
            Ok(Ok(Verified { set, digest, spec, base }))
        }
        Err(not_verified) => Ok(Err(not_verified)),
    }
}

/// Every file of the commit that the current attempt's workspace was made from.
pub(crate) async fn base_files(context: &Context, workflow: &Workflow) -> Result<BaseFiles, Failure> {
    let key = keys::objects::base_files(&workflow.id, workflow.attempt);
    let bytes = context.objects.get(&key, 64 * 1024 * 1024).await?;
    serde_json::from_slice(&bytes).map_err(|error| inconsistent(format!("the list of base files: {error}")))
}

fn broken(message: &str) -> NotVerified {
    NotVerified::Violations(vec![Violation {
        path: String::new(),
        kind: domain::verify::ViolationKind::Corrupt,
        message: message.to_owned(),
    }])
}

async fn accept(
    context: &Context,
    workflow: &Workflow,
    verified: &Verified,
    now: Timestamp,
) -> Result<CollectOutput, Failure> {
    let (attempt, digest) = (workflow.attempt, verified.digest);
    let diff = store_diff(context, workflow, verified).await?;
    let files: Vec<ChangedFile> = verified
        .set
        .changes()
        .iter()
        .map(|change| ChangedFile {
            path: change.path().clone(),
            action: change.action(),
            protection: change.protection(),
        })
        .collect();
    let after = context
        .store
        .record(&workflow.id, &actor(), now, |current| {
            Ok((current.state == WorkflowState::Executing && current.attempt == attempt)
                .then(|| Event::ChangesVerified { attempt, digest, files: files.clone(), diff: Some(diff) }))
        })
        .await?;
    if after.cancel_requested.is_some() {
        return Ok(CollectOutput::Cancelled);
    }
    let task_url = sandbox::write_qa_task(context, &after).await?;
    Ok(CollectOutput::Verified { attempt, task_url })
}

/// Stores what people read of the change, and answers its digest.
async fn store_diff(context: &Context, workflow: &Workflow, verified: &Verified) -> Result<Digest, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let before = match context.objects.get(&keys::objects::before(id, attempt), MAX_BEFORE_BYTES).await {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| inconsistent(format!("the texts before: {error}")))?
        }
        // The run was prepared by the release before, or its files are more than is compared.
        Err(StoreError::NotFound(_) | StoreError::TooLarge { .. }) => Before::new(),
        Err(error) => return Err(error.into()),
    };
    let Verified { set, digest, spec, base } = verified;
    let diff = serde_json::to_vec(&diff::make(set, *digest, spec, base, &before))
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let of_diff = Digest::of(&diff);
    context.objects.put(&keys::objects::diff(id, attempt), diff, "application/json").await?;
    Ok(of_diff)
}

//! The agent asked for more files: what people can decide on becomes an amendment of the approved SPEC, everything else
//! goes back to the agent. No model is asked.

use domain::failure::Failure;
use domain::ids::{Attempt, WorkflowId};
use domain::spec::{AmendContext, Amended, RefusedPath, Spec, amend};
use domain::state::WorkflowState;
use domain::steps::AmendOutput;
use domain::task::{RunKind, RunOutcome};
use domain::verify::NotVerified;
use domain::workflow::{ChangedFile, Event, Workflow};
use domain::{Digest, Timestamp};

use crate::feedback::{self, Kept};
use crate::prepare::{actor, approved_spec};
use crate::report::inconsistent;
use crate::{Context, collect_run, report};

pub(crate) async fn amend_spec(
    context: &Context,
    id: &WorkflowId,
    attempt: Attempt,
    now: Timestamp,
) -> Result<AmendOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    if let Some(output) = answered(&workflow, attempt) {
        return Ok(output);
    }
    let report = report::read(context, &workflow, RunKind::Agent).await?;
    let report = report.ok_or_else(|| inconsistent("the run that asked for more files has no report"))?;
    let RunOutcome::ScopeChangeRequested { paths, reason } = &report.outcome else {
        return Err(inconsistent("the run did not ask for more files"));
    };
    let kept = collect_run::verified(context, &workflow, &report).await?.map(|verified| verified.digest);
    if !workflow.may_change_scope() {
        let why = feedback::no_scope_change_left(paths, workflow.limits.scope_changes, Kept::of(&kept));
        return refuse(context, &workflow, vec![], why, kept, now).await;
    }
    let approved = approved_spec(context, &workflow).await?;
    let base = collect_run::base_files(context, &workflow).await?;
    let base_paths = base.paths();
    let base_commit = workflow.run_base.as_ref().ok_or_else(|| inconsistent("the run has no base commit"))?;
    let asked = AmendContext {
        approved: &approved,
        revision: workflow.next_revision(),
        attempt,
        base_commit,
        base_paths: &base_paths,
        protected: &base.protected,
        allow_workflow_files: context.config.allow_workflow_files,
    };
    match amend(paths, reason, asked) {
        Amended { spec: Some(spec), refused } => propose(context, &workflow, spec, refused, kept, now).await,
        Amended { spec: None, refused } => {
            let why = feedback::scope_change_refused(&refused, Kept::of(&kept));
            refuse(context, &workflow, refused, why, kept, now).await
        }
    }
}

/// The answer where nothing is left to do: also when the step is tried again after its answer was lost.
fn answered(workflow: &Workflow, attempt: Attempt) -> Option<AmendOutput> {
    match workflow.state {
        WorkflowState::Cancelled => Some(AmendOutput::Cancelled),
        state if state.is_terminal() => Some(AmendOutput::Failed),
        _ if workflow.cancel_requested.is_some() => Some(AmendOutput::Cancelled),
        _ if workflow.attempt == attempt => None,
        _ if workflow.spec_gate_is_due() => Some(AmendOutput::Amended),
        _ => Some(AmendOutput::Retry),
    }
}

/// Stores the amendment and records it, for the gate to be opened on.
async fn propose(
    context: &Context,
    workflow: &Workflow,
    spec: Spec,
    refused: Vec<RefusedPath>,
    kept: Result<Digest, NotVerified>,
    now: Timestamp,
) -> Result<AmendOutput, Failure> {
    let attempt = workflow.attempt;
    let (spec, spec_digest) = context.objects.propose_spec(spec).await?;
    let amendment = spec.amendment.as_ref().ok_or_else(|| inconsistent("the stored SPEC is no amendment"))?;
    let (added, _) = spec.added_first();
    let event = Event::ScopeChangeProposed {
        attempt,
        revision: spec.revision,
        spec_digest,
        base_commit: spec.base_commit.clone(),
        added: added
            .iter()
            .map(|file| ChangedFile { path: file.path.clone(), action: file.action, protection: file.protection })
            .collect(),
        feedback: feedback::scope_change_approved(&added, &refused, Kept::of(&kept)),
        refused,
        agent_reason: amendment.agent_reason.clone(),
        kept: kept.ok(),
    };
    record(context, workflow, event, now).await
}

/// Tells the agent why nobody is asked, by another attempt, while the limits allow one.
async fn refuse(
    context: &Context,
    workflow: &Workflow,
    refused: Vec<RefusedPath>,
    reason: String,
    kept: Result<Digest, NotVerified>,
    now: Timestamp,
) -> Result<AmendOutput, Failure> {
    let event = Event::ScopeChangeRefused { attempt: workflow.attempt, refused, reason, kept: kept.ok() };
    record(context, workflow, event, now).await
}

async fn record(context: &Context, workflow: &Workflow, event: Event, now: Timestamp) -> Result<AmendOutput, Failure> {
    let attempt = workflow.attempt;
    let after = context
        .store
        .record(&workflow.id, &actor(), now, |current| Ok(answered(current, attempt).is_none().then(|| event.clone())))
        .await?;
    answered(&after, attempt).ok_or_else(|| inconsistent("the workflow did not take the agent's request"))
}

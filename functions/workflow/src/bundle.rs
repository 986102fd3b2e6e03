//! What an agent's sandbox is given: workspace, task, addresses.

use domain::Digest;
use domain::failure::{Failure, FailureKind};
use domain::ids::CommitSha;
use domain::packages::PackageSources;
use domain::repo_config::{CONFIG_PATH, RepoConfig, SetupConfig};
use domain::spec::Spec;
use domain::state::WorkflowState;
use domain::task::{AgentWork, Download, RunKind, RunLimits, TASK_VERSION, Task, Work};
use domain::workflow::{ChangesRef, Workflow};
use github::{Repo, SnapshotLimits};
use store::{Objects, keys};

use crate::urls::VALID;
use crate::{Context, workspace};

/// Writes the bundle of the current attempt and answers the address of its `task.json`.
pub(crate) async fn write(
    context: &Context,
    workflow: &Workflow,
    spec: Spec,
    repo: &Repo,
    base: &CommitSha,
) -> Result<String, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let spent = workflow.ledger.runs();
    let budget = context.config.budget.minus(&spent);
    if let Some(limit) = context.config.budget.exceeded_by(&spent) {
        return Err(Failure::new(FailureKind::BudgetExceeded, format!("the ticket's budget is used up: {limit}")));
    }
    let snapshot = repo.snapshot(base, SnapshotLimits::default()).await.map_err(Failure::from)?;
    let paths = workspace::paths(&snapshot);
    let repo_config = RepoConfig::load(workspace::text(&snapshot, CONFIG_PATH), &paths)
        .map_err(|error| Failure::new(FailureKind::InvalidInput, error.to_string()))?;
    let archive = workspace::pack(&snapshot)?;
    let digest = Digest::of(&archive);
    let workspace_key = keys::objects::workspace(id, attempt);
    context.objects.put(&workspace_key, archive, "application/zstd").await?;
    let base_files = workspace::base_files(&snapshot, &spec, &repo_config.protected);
    put_json(&context.objects, &keys::objects::base_files(id, attempt), &base_files).await?;
    put_json(&context.objects, &keys::objects::before(id, attempt), &workspace::before(&snapshot, &spec)).await?;

    let signed = context.signer.objects(id).await?;
    let spec_digest = spec.digest().map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let ticket = context.store.ticket(id).await?;
    let work = AgentWork {
        spec_digest,
        spec,
        ticket_title: ticket.title,
        feedback: workflow.run_feedback.clone(),
        previous_changes: previous_changes(workflow, base, &signed).await?,
        model: context.config.model.clone(),
        budget,
        gates: repo_config.gates,
        setup: repo_config.setup,
        changes_url: signed.presign_put(&keys::objects::changes(id, attempt), VALID).await?,
        session_url: signed.presign_put(&keys::objects::session(id, attempt), VALID).await?,
    };
    let limits = context.config.agent_limits();
    let packages = packages(context, work.setup.as_ref(), limits).await?;
    let task = Task {
        version: TASK_VERSION,
        workflow_id: id.clone(),
        attempt,
        ticket: workflow.ticket.key.clone(),
        base_commit: base.clone(),
        workspace: Download { url: signed.presign_get(&workspace_key, VALID).await?, digest },
        report_url: signed.presign_put(&keys::objects::report(id, attempt, RunKind::Agent), VALID).await?,
        limits,
        packages,
        work: Work::Agent(Box::new(work)),
    };
    publish_task(context, &signed, &task, RunKind::Agent).await
}

/// Where a run's setup may fetch packages from; nothing, without a setup.
pub(crate) async fn packages(
    context: &Context,
    setup: Option<&SetupConfig>,
    limits: RunLimits,
) -> Result<PackageSources, Failure> {
    match setup {
        Some(_) => context.packages.sources(limits.total_seconds).await,
        None => Ok(PackageSources::default()),
    }
}

/// Writes a `task.json` and answers its address.
pub(crate) async fn publish_task(
    context: &Context,
    signed: &Objects,
    task: &Task,
    kind: RunKind,
) -> Result<String, Failure> {
    let key = keys::objects::task(&task.workflow_id, task.attempt, kind);
    put_json(&context.objects, &key, task).await?;
    Ok(signed.presign_get(&key, VALID).await?)
}

async fn put_json<T: serde::Serialize + Sync>(objects: &Objects, key: &str, value: &T) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(value).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(objects.put(key, bytes, "application/json").await?)
}

/// The last verified change set, so that the agent goes on instead of starting again. It must have been made from the same
/// commit, or from the one that the SPEC was written for while that is just approved: then nothing that the SPEC names
/// has changed since, and a change set has nothing else.
async fn previous_changes(
    workflow: &Workflow,
    base: &CommitSha,
    signed: &Objects,
) -> Result<Option<Download>, Failure> {
    let spec_base = workflow.spec.as_ref().map(|spec| &spec.base_commit);
    let still_holds = |changes: &ChangesRef| {
        let of_the_spec = spec_base == Some(&changes.base_commit);
        changes.base_commit == *base || workflow.state == WorkflowState::SpecApproved && of_the_spec
    };
    let Some(changes) = workflow.changes.as_ref().filter(|changes| still_holds(changes)) else {
        return Ok(None);
    };
    let key = keys::objects::verified(&workflow.id, changes.attempt);
    Ok(Some(Download { url: signed.presign_get(&key, VALID).await?, digest: changes.digest }))
}

//! Before a run: is the approved SPEC still true? If so, write what the sandbox needs.

use domain::failure::{Failure, FailureKind};
use domain::ids::{CommitSha, WorkflowId};
use domain::person::Actor;
use domain::spec::Spec;
use domain::state::WorkflowState;
use domain::steps::PrepareOutput;
use domain::workflow::{Event, Workflow};
use domain::{Timestamp, budget::Phase};
use github::{ComparisonStatus, Repo};
use store::keys;

use crate::{Context, bundle};

/// What stands in audit entries as the actor.
pub(crate) fn actor() -> Actor {
    Actor::system("workflow")
}

pub(crate) async fn prepare(context: &Context, id: &WorkflowId, now: Timestamp) -> Result<PrepareOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.cancel_requested.is_some() || workflow.state.is_terminal() {
        return Ok(PrepareOutput::Cancelled);
    }
    if !matches!(workflow.state, WorkflowState::SpecApproved | WorkflowState::Executing) {
        // The step was tried again after it had found the SPEC stale, or the workflow was resumed at its checks.
        return match workflow.state {
            WorkflowState::Planning => Ok(PrepareOutput::Stale),
            WorkflowState::QaRunning if workflow.has_changes_of_attempt() => {
                Ok(PrepareOutput::Verified { attempt: workflow.attempt })
            }
            state => Err(Failure::new(FailureKind::Superseded, format!("no run can start in state {state}"))),
        };
    }
    let spec = approved_spec(context, &workflow).await?;
    let repo = repository(context, &workflow).await?;
    let base = match choose_base(&workflow, &spec, &repo).await? {
        Base::Commit(commit) => commit,
        Base::Stale(reason) => {
            context
                .store
                .record(id, &actor(), now, |current| {
                    let stale = Event::SpecWentStale { reason: reason.clone() };
                    Ok((current.state == WorkflowState::SpecApproved).then_some(stale))
                })
                .await?;
            return Ok(PrepareOutput::Stale);
        }
    };
    let task_url = bundle::write(context, &workflow, spec, &repo, &base).await?;
    let attempt = workflow.attempt;
    context
        .store
        .record(id, &actor(), now, |current| {
            let done = current.prepared == Some(attempt) && current.run_base.as_ref() == Some(&base);
            Ok((!done).then(|| Event::RunPrepared { attempt, base_commit: base.clone() }))
        })
        .await?;
    Ok(PrepareOutput::Ready { attempt, task_url })
}

/// The approved SPEC, checked against the digest that was approved.
pub(crate) async fn approved_spec(context: &Context, workflow: &Workflow) -> Result<Spec, Failure> {
    let inconsistent = |message: &str| Failure::new(FailureKind::Inconsistent, message.to_owned());
    let approved = workflow.spec.as_ref().filter(|spec| spec.approved);
    let approved = approved.ok_or_else(|| inconsistent("the workflow has no approved SPEC"))?;
    let key = keys::objects::spec_json(&workflow.id, workflow.revision);
    let bytes = context.objects.get(&key, 4 * 1024 * 1024).await?;
    let spec: Spec = serde_json::from_slice(&bytes)
        .map_err(|error| inconsistent(&format!("the stored SPEC cannot be read: {error}")))?;
    if spec.digest().ok() == Some(approved.digest) {
        Ok(spec)
    } else {
        Err(inconsistent("the stored SPEC is not the one that was approved"))
    }
}

/// The repository, with a read token.
pub(crate) async fn repository(context: &Context, workflow: &Workflow) -> Result<Repo, Failure> {
    let repository = &workflow.ticket.repository;
    let tokens = context.invoker.repository_tokens(&context.config.github_auth_function, repository);
    Ok(context.host.with_tokens(tokens).await?.repo(repository))
}

enum Base {
    Commit(CommitSha),
    Stale(String),
}

/// A repair goes on from where the attempt before it began. Everything else starts from the branch as it is now: the
/// first attempt under a SPEC only if nothing that the SPEC names has changed since it was written.
async fn choose_base(workflow: &Workflow, spec: &Spec, repo: &Repo) -> Result<Base, Failure> {
    let just_approved = workflow.state == WorkflowState::SpecApproved;
    if let (false, Phase::Repair, Some(base)) = (just_approved, workflow.phase, &workflow.run_base) {
        return Ok(Base::Commit(base.clone()));
    }
    let head = repo.branch_head(&workflow.ticket.base_branch).await.map_err(Failure::from)?;
    if !just_approved {
        return Ok(Base::Commit(head));
    }
    if workflow.ticket.digest != spec.ticket_digest {
        return Ok(Base::Stale("The ticket's text changed after the SPEC was written.".to_owned()));
    }
    if head == spec.base_commit {
        return Ok(Base::Commit(head));
    }
    let branch = &workflow.ticket.base_branch;
    let comparison = repo.compare(&spec.base_commit, &head).await.map_err(Failure::from)?;
    if comparison.status != ComparisonStatus::Ahead {
        return Ok(Base::Stale(format!("The history of `{branch}` was rewritten after the SPEC was written.")));
    }
    let touched: Vec<&str> = spec
        .files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| comparison.changed_paths.contains(*path))
        .collect();
    Ok(if touched.is_empty() {
        Base::Commit(head)
    } else {
        Base::Stale(format!(
            "`{branch}` moved from {} to {head} after the SPEC was written and changed: {}.",
            spec.base_commit,
            touched.join(", ")
        ))
    })
}

//! The three steps: read the workflow, act on GitHub, record what came of it.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::person::Actor;
use domain::secrets::KnownSecrets;
use domain::state::WorkflowState as S;
use domain::steps::{Done, MergeOutput, PublishOutput};
use domain::workflow::{Event, PullRequestRef, Workflow};
use github::Repo;

use crate::base::inconsistent;
use crate::config::Context;
use crate::inputs;
use crate::publish::Publication;
use crate::{close, merge, publish};

pub(crate) async fn publish_step(context: &Context, id: &WorkflowId, now: Timestamp) -> Result<PublishOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    match workflow.state {
        _ if workflow.cancel_requested.is_some() => return Ok(PublishOutput::Cancelled),
        // The answer of an earlier try was lost.
        S::PrCreated | S::AwaitingPrApproval => return Ok(PublishOutput::Published),
        S::QaRunning => {}
        state => return Err(superseded("published", state)),
    }
    let repo = repository(context, &workflow).await?;
    let known = known_secrets(context).await?;
    let inputs = inputs::read(&context.objects, &repo, &workflow, &known, context.config.verify_policy()).await?;
    let publication = Publication {
        workflow: id,
        ticket: &workflow.ticket,
        spec: &inputs.spec,
        base: &inputs.base,
        changes: &inputs.changes,
        qa: &inputs.qa,
        refused_connections: workflow.refused_connections,
        ledger: &workflow.ledger,
        review_rounds: workflow.review_rounds,
        previous: workflow.pr.as_ref(),
        date: workflow.updated_at,
        public_base_url: &context.config.public_base_url,
        known: &known,
    };
    let published = publish::publish(&repo, &publication).await?;
    context.store.put_pull_request(&workflow.ticket.repository, published.number, id).await?;
    let attempt = workflow.attempt;
    context
        .store
        .record(id, &actor(), now, |current| {
            if current.state == S::QaRunning && current.attempt != attempt {
                return Err(superseded("published", current.state));
            }
            let done = matches!(current.state, S::PrCreated | S::AwaitingPrApproval)
                && current.pr.as_ref().is_some_and(|pr| pr.head_sha == published.head_sha);
            Ok((!done).then(|| Event::PrPublished {
                number: published.number,
                url: published.url.clone(),
                branch: published.branch.clone(),
                head_sha: published.head_sha.clone(),
                tree_sha: published.tree_sha.clone(),
            }))
        })
        .await?;
    tracing::info!(workflow = %id, number = published.number, head = %published.head_sha, "pull request published");
    Ok(PublishOutput::Published)
}

pub(crate) async fn merge_step(context: &Context, id: &WorkflowId, now: Timestamp) -> Result<MergeOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    match workflow.state {
        S::Merged | S::Completed => return Ok(MergeOutput::Merged),
        // A lost answer: the next round had begun.
        S::Executing => return Ok(MergeOutput::Conflict),
        state if state.is_terminal() => return Ok(MergeOutput::Closed),
        S::AwaitingPrApproval if workflow.open_gate.is_none() => {}
        state => return Err(superseded("merged", state)),
    }
    let reviewed = pull_request(&workflow)?;
    let repo = repository(context, &workflow).await?;
    // A reason stands in the row when the gate was not approved, or no round was left after a conflict.
    if workflow.cancel_requested.is_some() || workflow.reason.is_some() {
        return finish_closing(context, &repo, &workflow, now).await;
    }
    match merge::merge(&repo, reviewed).await? {
        merge::Outcome::Merged(merge_sha) => {
            record_merged(context, id, merge_sha, now).await?;
            Ok(MergeOutput::Merged)
        }
        merge::Outcome::Waiting(reason) => {
            merge::say_waiting(&repo, id, reviewed, &reason, &known_secrets(context).await?).await?;
            tracing::info!(workflow = %id, number = reviewed.number, "the merge has to wait");
            Ok(MergeOutput::Waiting)
        }
        merge::Outcome::Closed(reason) => {
            record_closed(context, id, &reason, now).await?;
            Ok(MergeOutput::Closed)
        }
        merge::Outcome::Conflict(reason) => {
            let head = reviewed.head_sha.clone();
            let after = context
                .store
                .record(id, &actor(), now, |current| {
                    let same = current.state == S::AwaitingPrApproval
                        && current.reason.is_none()
                        && current.pr.as_ref().is_some_and(|pr| pr.head_sha == head);
                    Ok(same.then(|| Event::MergeConflict { reason: reason.clone() }))
                })
                .await?;
            if after.state == S::Executing {
                return Ok(MergeOutput::Conflict);
            }
            finish_closing(context, &repo, &after, now).await
        }
    }
}

async fn finish_closing(
    context: &Context,
    repo: &Repo,
    workflow: &Workflow,
    now: Timestamp,
) -> Result<MergeOutput, Failure> {
    Ok(match close_and_record(context, repo, workflow, now).await? {
        close::Outcome::Closed => MergeOutput::Closed,
        close::Outcome::Merged(_) => MergeOutput::Merged,
    })
}

pub(crate) async fn close_step(context: &Context, id: &WorkflowId, now: Timestamp) -> Result<Done, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.pr.is_none() || matches!(workflow.state, S::Merged | S::Completed) {
        return Ok(Done::Done);
    }
    let repo = repository(context, &workflow).await?;
    close_and_record(context, &repo, &workflow, now).await?;
    Ok(Done::Done)
}

/// Closes the pull request on GitHub and, unless the workflow has ended or is being cancelled, records it.
async fn close_and_record(
    context: &Context,
    repo: &Repo,
    workflow: &Workflow,
    now: Timestamp,
) -> Result<close::Outcome, Failure> {
    let published = pull_request(workflow)?;
    let reason = why(workflow);
    let base_url = &context.config.public_base_url;
    let outcome =
        close::close(repo, &workflow.id, published, &reason, base_url, &known_secrets(context).await?).await?;
    match &outcome {
        close::Outcome::Merged(sha) => record_merged(context, &workflow.id, sha.clone(), now).await?,
        // A cancelled workflow ends as cancelled, which the last step records.
        close::Outcome::Closed if workflow.cancel_requested.is_some() => {}
        close::Outcome::Closed => record_closed(context, &workflow.id, &reason, now).await?,
    }
    Ok(outcome)
}

fn why(workflow: &Workflow) -> String {
    match (&workflow.cancel_requested, &workflow.reason) {
        (Some(reason), _) => format!("The ticket was cancelled: {reason}"),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "It was approved, but what GitHub requires for a merge did not come about in time.".to_owned(),
    }
}

async fn record_merged(
    context: &Context,
    id: &WorkflowId,
    merge_sha: domain::CommitSha,
    now: Timestamp,
) -> Result<(), Failure> {
    context
        .store
        .record(id, &actor(), now, |current| {
            let open = current.state == S::AwaitingPrApproval;
            Ok(open.then(|| Event::PrMerged { merge_sha: merge_sha.clone() }))
        })
        .await?;
    tracing::info!(workflow = %id, %merge_sha, "merged");
    Ok(())
}

async fn record_closed(context: &Context, id: &WorkflowId, reason: &str, now: Timestamp) -> Result<(), Failure> {
    context
        .store
        .record(id, &actor(), now, |current| {
            let open = matches!(current.state, S::AwaitingPrApproval | S::PrCreated);
            Ok(open.then(|| Event::PrClosed { reason: reason.to_owned() }))
        })
        .await?;
    Ok(())
}

async fn repository(context: &Context, workflow: &Workflow) -> Result<Repo, Failure> {
    let repository = &workflow.ticket.repository;
    let tokens = context.invoker.repository_tokens(&context.config.github_auth_function, repository);
    Ok(context.host.with_tokens(tokens).await?.repo(repository))
}

/// The secrets of this deployment: those whose owners can write to the table, and the code host's, whose owner told us
/// with the token.
async fn known_secrets(context: &Context) -> Result<KnownSecrets, Failure> {
    let mut known = context.store.known_secrets().await?;
    known.extend(context.invoker.told_fingerprints());
    Ok(known)
}

fn pull_request(workflow: &Workflow) -> Result<&PullRequestRef, Failure> {
    workflow.pr.as_ref().ok_or_else(|| inconsistent("the workflow has no pull request"))
}

fn superseded(what: &str, state: S) -> Failure {
    Failure::new(FailureKind::Superseded, format!("nothing can be {what} in state {state}"))
}

fn actor() -> Actor {
    Actor::system("publisher")
}

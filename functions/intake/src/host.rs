//! Events of the code host. Their signature covers neither id nor time, so an event only says where to look: what
//! counts is what GitHub answers now.

use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::requests::{ApprovalRequest, DecideAnswer};
use domain::gate::{DecisionRequest, Gate, GateStatus, MAX_COMMENT_BYTES, Verdict};
use domain::ids::WorkflowId;
use domain::inbound::GithubHint;
use domain::person::{Actor, Channel, Person};
use domain::state::WorkflowState;
use domain::text;
use domain::workflow::{PullRequestRef, Workflow};
use github::{PullState, Repo, Review, ReviewState, User};

use crate::config::Context;

/// What the repository's owner has people as who may send a change back.
const MEMBERS: &[&str] = &["OWNER", "MEMBER", "COLLABORATOR"];

/// Longest text of a review that is taken over, characters: a decision's comment has a limit in bytes.
const MAX_WORDS: usize = MAX_COMMENT_BYTES / 4;

/// Looks at the pull request that a hint names.
pub(crate) async fn look(context: &Context, hint: &GithubHint, now: Timestamp) -> Result<(), Failure> {
    let Some(number) = hint.pull_request else { return Ok(()) };
    match context.store.pull_request_owner(&hint.repository, number).await? {
        Some(id) => wake(context, &id, now).await,
        None => Ok(()),
    }
}

/// Decides the workflow's pull request gate if the pull request was merged, closed or sent back at the host.
pub(crate) async fn wake(context: &Context, id: &WorkflowId, _now: Timestamp) -> Result<(), Failure> {
    let workflow = context.store.workflow(id).await?;
    let (WorkflowState::AwaitingPrApproval, Some(gate_id), Some(pr)) =
        (workflow.state, &workflow.open_gate, &workflow.pr)
    else {
        return Ok(());
    };
    let Some(gate) = context.gates.gate(gate_id).await?.filter(|gate| gate.status == GateStatus::Pending) else {
        return Ok(());
    };
    let repo = repository(context, &workflow).await?;
    if let Some(decision) = decision(&repo, pr, &gate).await? {
        let request = ApprovalRequest::Decide { gate: gate.id, decision };
        let answer: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
        tracing::info!(workflow = %id, ?answer, "the pull request was decided at the code host");
    }
    Ok(())
}

async fn repository(context: &Context, workflow: &Workflow) -> Result<Repo, Failure> {
    let repository = &workflow.ticket.repository;
    let tokens = context.invoker.repository_tokens(&context.config.github_auth_function, repository);
    Ok(context.host.with_tokens(tokens).await?.repo(repository))
}

async fn decision(repo: &Repo, pr: &PullRequestRef, gate: &Gate) -> Result<Option<DecisionRequest>, Failure> {
    let pull = repo.pull(pr.number).await.map_err(Failure::from)?;
    match pull.state {
        // Somebody pushed and merged before we looked: what is on the branch now is not what was tested.
        PullState::Merged { .. } if pull.head_sha != pr.head_sha => Ok(Some(DecisionRequest {
            verdict: Verdict::ClosedAtHost,
            by: by(pull.merged_by.as_ref()),
            subject_digest: None,
            comment: Some(format!(
                "The pull request was merged on GitHub with the head {}, but {} is what was tested and reviewed here.",
                pull.head_sha, pr.head_sha
            )),
        })),
        PullState::Merged { sha } => Ok(Some(DecisionRequest {
            verdict: Verdict::MergedAtHost { merge_sha: sha.unwrap_or(pull.head_sha) },
            by: by(pull.merged_by.as_ref()),
            subject_digest: None,
            comment: None,
        })),
        PullState::Closed => Ok(Some(DecisionRequest {
            verdict: Verdict::ClosedAtHost,
            by: by(pull.closed_by.as_ref()),
            subject_digest: None,
            comment: None,
        })),
        PullState::Open => {
            let reviews = repo.reviews(pr.number).await.map_err(Failure::from)?;
            Ok(changes_requested(&reviews, pr, gate))
        }
    }
}

/// The last review of the current head by each member counts; one that asks for changes sends the work back.
fn changes_requested(reviews: &[Review], pr: &PullRequestRef, gate: &Gate) -> Option<DecisionRequest> {
    let counts = |review: &&Review| {
        review.commit_id.as_ref() == Some(&pr.head_sha)
            && MEMBERS.contains(&review.author_association.as_str())
            && matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed)
    };
    let relevant: Vec<&Review> = reviews.iter().filter(counts).collect();
    let last_of_each = relevant.iter().enumerate().filter(|(at, review)| {
        let later = &relevant[at + 1..];
        !later.iter().any(|other| other.user.as_ref().map(|u| u.id) == review.user.as_ref().map(|u| u.id))
    });
    let review = last_of_each.map(|(_, review)| review).find(|review| review.state == ReviewState::ChangesRequested)?;
    // A review may be longer than a decision's comment: a shortened one is better than none.
    let words = text::lines(review.body.trim(), MAX_WORDS);
    Some(DecisionRequest {
        verdict: Verdict::Revise,
        by: by(review.user.as_ref()),
        subject_digest: Some(gate.subject_digest),
        comment: Some(if words.is_empty() { "(no comment)".to_owned() } else { words }),
    })
}

/// Whoever did it at the host; the host itself where it does not say who.
fn by(user: Option<&User>) -> Actor {
    match user {
        Some(user) => Actor::Person {
            person: Person {
                name: user.login.clone(),
                github_id: Some(user.id),
                github_login: Some(user.login.clone()),
                ..Person::default()
            },
            channel: Channel::GitHub,
        },
        None => Actor::system("github"),
    }
}

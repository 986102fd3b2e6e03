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
use github::{LineComment, PullState, Repo, Review, ReviewState, User};

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
    for decision in decisions(&repo, pr, &gate).await? {
        let request = ApprovalRequest::Decide { gate: gate.id.clone(), decision };
        let answer: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
        tracing::info!(workflow = %id, ?answer, "the pull request was decided on at the code host");
    }
    Ok(())
}

async fn repository(context: &Context, workflow: &Workflow) -> Result<Repo, Failure> {
    let repository = &workflow.ticket.repository;
    let tokens = context.invoker.repository_tokens(&context.config.github_auth_function, repository);
    Ok(context.host.with_tokens(tokens).await?.repo(repository))
}

/// What the pull request's state and its reviews say, in an order in which a no comes before any yes.
async fn decisions(repo: &Repo, pr: &PullRequestRef, gate: &Gate) -> Result<Vec<DecisionRequest>, Failure> {
    let pull = repo.pull(pr.number).await.map_err(Failure::from)?;
    match pull.state {
        // Somebody pushed and merged before we looked: what is on the branch now is not what was tested.
        PullState::Merged { .. } if pull.head_sha != pr.head_sha => {
            let words = format!(
                "The pull request was merged on GitHub with the head {}, but {} is what was tested and reviewed here.",
                pull.head_sha, pr.head_sha
            );
            Ok(vec![DecisionRequest::fact(Verdict::ClosedAtHost, by(pull.merged_by.as_ref()), Some(words))])
        }
        PullState::Merged { sha } => {
            let verdict = Verdict::MergedAtHost { merge_sha: sha.unwrap_or(pull.head_sha) };
            Ok(vec![DecisionRequest::fact(verdict, by(pull.merged_by.as_ref()), None)])
        }
        PullState::Closed => Ok(vec![DecisionRequest::fact(Verdict::ClosedAtHost, by(pull.closed_by.as_ref()), None)]),
        PullState::Open => {
            let reviews = repo.reviews(pr.number).await.map_err(Failure::from)?;
            let last = last_of_each(&reviews, pr);
            match last.iter().find(|review| review.state == ReviewState::ChangesRequested && is_member(review)) {
                Some(review) => Ok(vec![sent_back(repo, pr, gate, review).await?]),
                None => Ok(approvals(&last, gate)),
            }
        }
    }
}

/// The last review of the current head by each person, of those that say yes or no.
fn last_of_each<'a>(reviews: &'a [Review], pr: &PullRequestRef) -> Vec<&'a Review> {
    let counts = |review: &&Review| {
        review.commit_id.as_ref() == Some(&pr.head_sha)
            && matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed)
    };
    let relevant: Vec<&Review> = reviews.iter().filter(counts).collect();
    let id = |review: &Review| review.user.as_ref().map(|user| user.id);
    let is_last = |at: usize, review: &Review| !relevant[at + 1..].iter().any(|later| id(later) == id(review));
    relevant.iter().enumerate().filter(|(at, review)| is_last(*at, review)).map(|(_, review)| *review).collect()
}

/// Whether the repository's owner lets its author send a change back.
fn is_member(review: &Review) -> bool {
    MEMBERS.contains(&review.author_association.as_str())
}

/// A review that asks for changes sends the work back, with what it says about single lines.
async fn sent_back(repo: &Repo, pr: &PullRequestRef, gate: &Gate, review: &Review) -> Result<DecisionRequest, Failure> {
    let mut lines = repo.line_comments(pr.number).await.map_err(Failure::from)?;
    lines.retain(|line| line.review == Some(review.id));
    let words = review_words(&review.body, &lines);
    Ok(DecisionRequest {
        verdict: Verdict::Revise,
        by: by(review.user.as_ref()),
        subject_digest: Some(gate.subject_digest),
        comment: Some(words),
        sections: Vec::new(),
    })
}

/// One text. It may be longer than a decision's comment: a shortened one is better than none.
fn review_words(body: &str, lines: &[LineComment]) -> String {
    let mut words = vec![body.trim().to_owned()];
    for LineComment { path, line, body, .. } in lines {
        let place = line.map_or_else(|| path.clone(), |line| format!("{path}, line {line}"));
        words.push(format!("On {}:\n{}", text::one_line(&place, 400), body.trim()));
    }
    words.retain(|part| !part.is_empty());
    let words = text::lines(&words.join("\n\n"), MAX_WORDS);
    if words.is_empty() { "(no comment)".to_owned() } else { words }
}

/// Approving reviews by those who are asked, whom the code host knows by their account's number.
fn approvals(last: &[&Review], gate: &Gate) -> Vec<DecisionRequest> {
    let asked = |review: &Review| {
        let Some(user) = &review.user else { return false };
        gate.approvers.iter().any(|approver| approver.github_id == Some(user.id))
    };
    let counted = |review: &Review| {
        gate.approvals.iter().any(|approval| match &approval.by {
            Actor::Person { person, .. } => {
                person.github_id.is_some() && person.github_id == review.user.as_ref().map(|u| u.id)
            }
            Actor::System { .. } => false,
        })
    };
    let approving =
        last.iter().filter(|review| review.state == ReviewState::Approved && asked(review) && !counted(review));
    approving
        .map(|review| DecisionRequest {
            verdict: Verdict::Approve,
            by: by(review.user.as_ref()),
            subject_digest: Some(gate.subject_digest),
            comment: Some(text::lines(review.body.trim(), MAX_WORDS)).filter(|words| !words.is_empty()),
            sections: Vec::new(),
        })
        .collect()
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

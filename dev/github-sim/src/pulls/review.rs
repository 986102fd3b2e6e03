//! Reviews, comments and labels.

use serde::Deserialize;
use serde_json::json;

use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::names::Sha;
use crate::sim::Sim;
use crate::state::{IssueComment, Label, Review, ReviewComment, ReviewState};
use crate::view;
use crate::webhooks::Event;

/// The body of `POST /repos/{owner}/{repo}/pulls/{number}/reviews`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct NewReview {
    /// The head that was looked at; absent: the present one.
    #[serde(default)]
    pub commit_id: Option<String>,
    /// The text.
    #[serde(default)]
    pub body: Option<String>,
    /// `APPROVE`, `REQUEST_CHANGES` or `COMMENT`; absent: pending.
    #[serde(default)]
    pub event: Option<String>,
    /// Comments on lines.
    #[serde(default)]
    pub comments: Vec<NewReviewComment>,
}

/// A comment on a line of the diff.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NewReviewComment {
    /// The file.
    pub path: String,
    /// The text.
    pub body: String,
    /// The line in the new file.
    #[serde(default)]
    pub line: Option<u64>,
}

/// Submits a review.
///
/// # Errors
/// 422 for the own pull request, an unknown event, a missing text, or a file that is not part of it.
pub(crate) async fn submit(sim: &Sim, access: &Access, number: u64, new: NewReview) -> ApiResult<Review> {
    let _lock = sim.lock(&access.name).await;
    let (repo, pull) = sim.pull(&access.name, number)?;
    let body = new.body.unwrap_or_default();
    let own = pull.author.eq_ignore_ascii_case(&access.actor.login);
    let state = match new.event.as_deref() {
        None | Some("") => ReviewState::Pending,
        Some("APPROVE") if own => return Err(ApiError::sentences(&["Can not approve your own pull request"])),
        Some("REQUEST_CHANGES") if own => {
            return Err(ApiError::sentences(&["Can not request changes on your own pull request"]));
        }
        Some("REQUEST_CHANGES" | "COMMENT") if body.trim().is_empty() && new.comments.is_empty() => {
            return Err(ApiError::sentences(&["Body can't be blank"]));
        }
        Some("APPROVE") => ReviewState::Approved,
        Some("REQUEST_CHANGES") => ReviewState::ChangesRequested,
        Some("COMMENT") => ReviewState::Commented,
        Some(other) => {
            let sentence = format!("Variable $event of type PullRequestReviewEvent was provided invalid value {other}");
            return Err(ApiError::sentences(&[&sentence]));
        }
    };
    let commit = match new.commit_id.as_deref() {
        None => pull.head_sha.clone(),
        Some(text) => {
            let unknown = || ApiError::sentences(&["The commit_id is not part of the pull request"]);
            let sha = Sha::parse(text).ok_or_else(unknown)?;
            if access.git.commit(&sha).await?.is_none() || !access.git.is_ancestor(&sha, &pull.head_sha).await? {
                return Err(unknown());
            }
            sha
        }
    };
    let facts = sim.facts(&repo, &pull).await?;
    let from = facts.merge_base.as_ref().unwrap_or(&pull.base_sha);
    let files = access.git.diff(from.as_str(), pull.head_sha.as_str()).await?;
    let mut hunks = Vec::with_capacity(new.comments.len());
    for comment in &new.comments {
        let file = files.iter().find(|f| f.path == comment.path);
        let file = file.ok_or_else(|| ApiError::sentences(&["Path could not be resolved"]))?;
        hunks.push(file.patch.clone().unwrap_or_default());
    }
    let at = sim.clock.now();
    let (id, ids) = sim.store.write(|s| {
        let id = s.next_id();
        (id, new.comments.iter().map(|_| s.next_id()).collect::<Vec<_>>())
    });
    let review = Review { id, author: access.actor.login.clone(), body, state, commit: commit.clone(), at };
    sim.change_pull(&access.name, number, |pull| {
        pull.reviews.push(review.clone());
        pull.requested_reviewers.retain(|l| !l.eq_ignore_ascii_case(&access.actor.login));
        for ((comment, hunk), comment_id) in new.comments.into_iter().zip(hunks).zip(ids) {
            pull.review_comments.push(ReviewComment {
                id: comment_id,
                review: id,
                author: access.actor.login.clone(),
                path: comment.path,
                line: comment.line,
                body: comment.body,
                commit: commit.clone(),
                diff_hunk: hunk,
                at,
            });
        }
    })?;
    if state != ReviewState::Pending {
        announce(sim, access, number, &review)?;
    }
    Ok(review)
}

fn announce(sim: &Sim, access: &Access, number: u64, review: &Review) -> ApiResult<()> {
    let (repo, pull) = sim.pull(&access.name, number)?;
    let mut shown = view::review(sim, &repo, &pull, review);
    // Events spell the state in lower case, and leave an empty text out.
    shown["state"] = review.state.as_str().to_ascii_lowercase().into();
    if review.body.is_empty() {
        shown["body"] = serde_json::Value::Null;
    }
    let payload = json!({ "review": shown, "pull_request": view::pull_simple(sim, &repo, &pull) });
    sim.emit(&repo, Event::new("pull_request_review", "submitted"), &access.actor, payload);
    Ok(())
}

/// Adds a comment to the conversation.
///
/// # Errors
/// 404 for an unknown number, 422 for an empty text.
pub(crate) fn add_comment(sim: &Sim, access: &Access, number: u64, body: &str) -> ApiResult<IssueComment> {
    if body.trim().is_empty() {
        return Err(ApiError::invalid_field("IssueComment", "body", "missing_field"));
    }
    sim.pull(&access.name, number)?;
    let id = sim.store.write(crate::state::State::next_id);
    let comment = IssueComment { id, author: access.actor.login.clone(), body: body.to_owned(), at: sim.clock.now() };
    sim.change_pull(&access.name, number, |pull| pull.comments.push(comment.clone()))?;
    Ok(comment)
}

/// Adds labels, making those that do not exist.
///
/// # Errors
/// 404 for an unknown number, 422 for an empty name.
pub(crate) fn add_labels(sim: &Sim, access: &Access, number: u64, names: &[String]) -> ApiResult<()> {
    if names.iter().any(|n| n.trim().is_empty()) {
        return Err(ApiError::invalid_field("Label", "name", "missing_field"));
    }
    sim.pull(&access.name, number)?;
    sim.store.write(|state| {
        let ids: Vec<u64> = names.iter().map(|_| state.next_id()).collect();
        if let Some(repo) = state.repo_mut(&access.name) {
            for (name, id) in names.iter().zip(ids) {
                let new = || Label { id, name: name.clone(), color: "ededed".to_owned() };
                repo.labels.entry(name.clone()).or_insert_with(new);
            }
        }
    });
    sim.change_pull(&access.name, number, |pull| {
        for name in names {
            if !pull.labels.contains(name) {
                pull.labels.push(name.clone());
            }
        }
    })
}

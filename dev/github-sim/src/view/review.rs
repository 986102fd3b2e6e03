//! Reviews and comments.

use serde_json::{Value, json};

use super::{association, node_id, user};
use crate::sim::Sim;
use crate::state::{IssueComment, Pull, Repo, Review, ReviewComment};

/// A review.
pub(crate) fn review(sim: &Sim, repo: &Repo, pull: &Pull, review: &Review) -> Value {
    let api = sim.links.repo_api(&repo.name, &format!("/pulls/{}", pull.number));
    let html = sim.links.repo_html(&repo.name, &format!("/pull/{}#pullrequestreview-{}", pull.number, review.id));
    let mut value = json!({
        "id": review.id,
        "node_id": node_id("PullRequestReview", review.id),
        "user": user(&sim.links, &sim.user(&review.author)),
        "body": review.body,
        "state": review.state.as_str(),
        "html_url": html,
        "pull_request_url": api,
        "author_association": association(repo, &review.author),
        "_links": { "html": { "href": html }, "pull_request": { "href": api } },
        "commit_id": review.commit,
    });
    if review.state != crate::state::ReviewState::Pending {
        value["submitted_at"] = review.at.to_string().into();
    }
    value
}

/// A comment on a line.
pub(crate) fn review_comment(sim: &Sim, repo: &Repo, pull: &Pull, comment: &ReviewComment) -> Value {
    let url = sim.links.repo_api(&repo.name, &format!("/pulls/comments/{}", comment.id));
    let api = sim.links.repo_api(&repo.name, &format!("/pulls/{}", pull.number));
    let html = sim.links.repo_html(&repo.name, &format!("/pull/{}#discussion_r{}", pull.number, comment.id));
    let mut value = json!({
        "id": comment.id,
        "node_id": node_id("PullRequestReviewComment", comment.id),
        "url": url,
        "pull_request_review_id": comment.review,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "commit_id": comment.commit,
        "original_commit_id": comment.commit,
        "user": user(&sim.links, &sim.user(&comment.author)),
        "body": comment.body,
        "created_at": comment.at,
        "updated_at": comment.at,
        "html_url": html,
        "pull_request_url": api,
        "author_association": association(repo, &comment.author),
        "_links": { "self": { "href": url }, "html": { "href": html }, "pull_request": { "href": api } },
        "side": "RIGHT",
        "subject_type": if comment.line.is_some() { "line" } else { "file" },
    });
    if let Some(line) = comment.line {
        value["line"] = line.into();
        value["original_line"] = line.into();
    }
    value
}

/// A comment in the conversation.
pub(crate) fn issue_comment(sim: &Sim, repo: &Repo, number: u64, comment: &IssueComment) -> Value {
    let issue = sim.links.repo_api(&repo.name, &format!("/issues/{number}"));
    json!({
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "url": sim.links.repo_api(&repo.name, &format!("/issues/comments/{}", comment.id)),
        "html_url": sim.links.repo_html(&repo.name, &format!("/pull/{number}#issuecomment-{}", comment.id)),
        "issue_url": issue,
        "body": comment.body,
        "user": user(&sim.links, &sim.user(&comment.author)),
        "created_at": comment.at,
        "updated_at": comment.at,
        "author_association": association(repo, &comment.author),
        "performed_via_github_app": null,
    })
}

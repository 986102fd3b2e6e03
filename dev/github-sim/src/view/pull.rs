//! Pull requests and labels.

use serde_json::{Value, json};

use super::user::merge;
use super::{association, encode, node_id, repository, user};
use crate::pulls::Facts;
use crate::sim::Sim;
use crate::state::{Label, Pull, Repo};

/// A label.
pub(crate) fn label(sim: &Sim, repo: &Repo, label: &Label) -> Value {
    json!({
        "id": label.id,
        "node_id": node_id("Label", label.id),
        "url": sim.links.repo_api(&repo.name, &format!("/labels/{}", encode(&label.name))),
        "name": label.name,
        "description": "",
        "color": label.color,
        "default": false,
    })
}

/// A pull request, as lists show it.
pub(crate) fn pull_simple(sim: &Sim, repo: &Repo, pull: &Pull) -> Value {
    let number = pull.number;
    let links = &sim.links;
    let api = links.repo_api(&repo.name, &format!("/pulls/{number}"));
    let issue = links.repo_api(&repo.name, &format!("/issues/{number}"));
    let html = links.repo_html(&repo.name, &format!("/pull/{number}"));
    let statuses = links.repo_api(&repo.name, &format!("/statuses/{}", pull.head_sha));
    let comment = links.repo_api(&repo.name, "/pulls/comments{/number}");
    let labels: Value = pull.labels.iter().filter_map(|l| repo.labels.get(l)).map(|l| label(sim, repo, l)).collect();
    let account = |login: &str| user(links, &sim.user(login));
    let side = |branch: &str, sha: &crate::names::Sha| {
        json!({
            "label": format!("{}:{branch}", repo.name.owner),
            "ref": branch,
            "sha": sha,
            "user": account(&repo.name.owner),
            "repo": repository(sim, repo),
        })
    };
    let merge_commit = pull.merged.as_ref().map(|m| m.sha.clone());
    json!({
        "url": api,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "issue_url": issue,
        "number": number,
        "state": pull.state.as_str(),
        "locked": false,
        "title": pull.title,
        "user": account(&pull.author),
        "body": pull.body,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged.as_ref().map(|m| m.at),
        "merge_commit_sha": merge_commit,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": pull.requested_reviewers.iter().map(|l| account(l)).collect::<Value>(),
        "requested_teams": [],
        "labels": labels,
        "milestone": null,
        "draft": pull.draft,
        "commits_url": format!("{api}/commits"),
        "review_comments_url": format!("{api}/comments"),
        "review_comment_url": comment,
        "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses,
        "head": side(&pull.head_ref, &pull.head_sha),
        "base": side(&pull.base_ref, &pull.base_sha),
        "_links": {
            "self": { "href": api },
            "html": { "href": html },
            "issue": { "href": issue },
            "comments": { "href": format!("{issue}/comments") },
            "review_comments": { "href": format!("{api}/comments") },
            "review_comment": { "href": comment },
            "commits": { "href": format!("{api}/commits") },
            "statuses": { "href": statuses },
        },
        "author_association": association(repo, &pull.author),
        "auto_merge": null,
        "active_lock_reason": null,
    })
}

/// A pull request with everything that is computed about it.
pub(crate) fn pull(sim: &Sim, repo: &Repo, pull: &Pull, facts: &Facts) -> Value {
    let mut value = pull_simple(sim, repo, pull);
    let merged_by = pull.merged.as_ref().map(|m| user(&sim.links, &sim.user(&m.by)));
    if pull.merged.is_none() {
        value["merge_commit_sha"] = facts.test_merge.clone().map_or(Value::Null, |sha| sha.as_str().into());
    }
    let more = json!({
        "merged": pull.merged.is_some(),
        "mergeable": facts.mergeable,
        "rebaseable": facts.mergeable,
        "mergeable_state": facts.state,
        "merged_by": merged_by,
        "comments": pull.comments.len(),
        "review_comments": pull.review_comments.len(),
        "maintainer_can_modify": false,
        "commits": facts.commits,
        "additions": facts.additions,
        "deletions": facts.deletions,
        "changed_files": facts.changed_files,
    });
    merge(&mut value, more);
    value
}

/// A pull request, as check runs refer to it.
pub(crate) fn pull_minimal(sim: &Sim, repo: &Repo, pull: &Pull) -> Value {
    let url = sim.links.repo_api(&repo.name, "");
    let brief = json!({ "id": repo.id, "url": url, "name": repo.name.name });
    json!({
        "id": pull.id,
        "number": pull.number,
        "url": sim.links.repo_api(&repo.name, &format!("/pulls/{}", pull.number)),
        "head": { "ref": pull.head_ref, "sha": pull.head_sha, "repo": brief },
        "base": { "ref": pull.base_ref, "sha": pull.base_sha, "repo": brief },
    })
}

//! Merging: a real commit on the real base branch.

use serde::Deserialize;
use serde_json::json;

use super::Facts;
use super::lifecycle::announce;
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::git::{Git, Identity, LogFilter, MergeOutcome, NewCommit, RefUpdate};
use crate::names::Sha;
use crate::push;
use crate::sim::Sim;
use crate::state::{Merged, Pull, PullState, Repo};

/// How to merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    /// A merge commit.
    #[default]
    Merge,
    /// One commit with everything.
    Squash,
    /// The commits, replayed on the base.
    Rebase,
}

/// The body of `PUT /repos/{owner}/{repo}/pulls/{number}/merge`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct MergeRequest {
    /// The head that was reviewed; anything else is refused.
    #[serde(default)]
    pub sha: Option<String>,
    /// How.
    #[serde(default)]
    pub merge_method: MergeMethod,
    /// First line of the commit.
    #[serde(default)]
    pub commit_title: Option<String>,
    /// Rest of the commit's message.
    #[serde(default)]
    pub commit_message: Option<String>,
}

/// Merges a pull request and returns the commit that the base moved to.
///
/// # Errors
/// 405 when it cannot be merged (closed, draft, conflict, protection, method), 409 when head or base moved.
pub(crate) async fn merge(sim: &Sim, access: &Access, number: u64, request: MergeRequest) -> ApiResult<Sha> {
    let _lock = sim.lock(&access.name).await;
    let (repo, pull) = sim.pull(&access.name, number)?;
    let facts = sim.facts(&repo, &pull).await?;
    check(&repo, &pull, &facts, &request)?;
    let git = &access.git;
    let stale = || ApiError::conflict("Base branch was modified. Review and try the merge again.");
    let base = git.branch(&pull.base_ref).await?.ok_or_else(stale)?;
    let commit = make_commit(sim, git, access, &repo, &pull, &base, &request).await?;
    let reference = format!("refs/heads/{}", pull.base_ref);
    if !git.update_ref(&RefUpdate { name: &reference, old: Some(&base), new: Some(&commit) }).await? {
        return Err(stale());
    }
    let now = sim.clock.now();
    sim.change_pull(&access.name, number, |pull| {
        pull.state = PullState::Closed;
        pull.closed_at = Some(now);
        pull.merged = Some(Merged { sha: commit.clone(), by: access.actor.login.clone(), at: now });
        pull.base_sha = base.clone();
    })?;
    announce(sim, &access.name, number, "closed", &access.actor, json!({})).await?;
    let moved = push::Moved { name: &reference, before: Some(&base), after: Some(&commit), forced: false };
    push::announce(sim, access, &moved).await?;
    if repo.merge.delete_branch {
        push::delete_branch(sim, access, &pull.head_ref).await?;
    }
    Ok(commit)
}

fn check(repo: &Repo, pull: &Pull, facts: &Facts, request: &MergeRequest) -> ApiResult<()> {
    if pull.state == PullState::Closed {
        return Err(ApiError::not_allowed("Pull Request is not mergeable"));
    }
    if pull.draft {
        return Err(ApiError::not_allowed("Pull Request is still a draft"));
    }
    if request.sha.as_ref().is_some_and(|sha| sha != pull.head_sha.as_str()) {
        return Err(ApiError::conflict("Head branch was modified. Review and try the merge again."));
    }
    let (allowed, what) = match request.merge_method {
        MergeMethod::Merge => (repo.merge.merge, "Merge commits are"),
        MergeMethod::Squash => (repo.merge.squash, "Squash merges are"),
        MergeMethod::Rebase => (repo.merge.rebase, "Rebase merges are"),
    };
    if !allowed {
        return Err(ApiError::not_allowed(format!("{what} not allowed on this repository.")));
    }
    if facts.mergeable != Some(true) {
        return Err(ApiError::not_allowed("Pull Request is not mergeable"));
    }
    if !facts.blocked_by.is_empty() {
        return Err(ApiError::not_allowed(facts.blocked_by.join(" ")));
    }
    if facts.state == "behind" {
        return Err(ApiError::not_allowed("Head branch is out of date"));
    }
    Ok(())
}

async fn make_commit(
    sim: &Sim,
    git: &Git,
    access: &Access,
    repo: &Repo,
    pull: &Pull,
    base: &Sha,
    request: &MergeRequest,
) -> ApiResult<Sha> {
    let not_mergeable = || ApiError::not_allowed("Pull Request is not mergeable");
    let committer = sim.github_identity();
    if request.merge_method == MergeMethod::Rebase {
        let rebased = git.rebase(base, &pull.head_sha, &committer).await?;
        return rebased.ok_or_else(|| ApiError::not_allowed("This branch can't be rebased"));
    }
    let MergeOutcome::Clean(tree) = git.merge_trees(base, &pull.head_sha).await? else {
        return Err(not_mergeable());
    };
    let author = sim.commit_identity(&access.actor.login);
    let (parents, title, message) = if request.merge_method == MergeMethod::Merge {
        let title = format!("Merge pull request #{} from {}/{}", pull.number, repo.name.owner, pull.head_ref);
        (vec![base.clone(), pull.head_sha.clone()], title, pull.title.clone())
    } else {
        let (title, message) = squash_text(git, base, pull).await?;
        (vec![base.clone()], title, message)
    };
    let title = request.commit_title.clone().unwrap_or(title);
    let message = request.commit_message.clone().unwrap_or(message);
    let message = format!("{}\n\n{}", title.trim(), message.trim()).trim().to_owned();
    let new = NewCommit { tree, parents, author, committer, message, signature: None };
    Ok(git.write_commit(&new).await?)
}

/// The default text of a squash: the commit's own when there is one, else the title and a list.
async fn squash_text(git: &Git, base: &Sha, pull: &Pull) -> ApiResult<(String, String)> {
    let filter = LogFilter { no_merges: true, ..LogFilter::default() };
    let mut shas = git.log(&pull.head_sha, Some(base), &filter).await?;
    shas.reverse();
    let commits = git.commits(&shas).await?;
    if let [only] = commits.as_slice() {
        let body = only.message.split_once("\n\n").map_or("", |(_, body)| body);
        return Ok((format!("{} (#{})", only.subject(), pull.number), body.to_owned()));
    }
    let list: Vec<String> = commits.iter().map(|c| format!("* {}", c.message)).collect();
    Ok((format!("{} (#{})", pull.title, pull.number), list.join("\n\n")))
}

impl Sim {
    /// The identity of commits that an account makes on GitHub.
    pub(crate) fn commit_identity(&self, login: &str) -> Identity {
        let user = self.user(login);
        Identity { email: user.commit_email(), name: user.name.unwrap_or(user.login), date: self.clock.now() }
    }
}

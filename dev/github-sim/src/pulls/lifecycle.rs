//! Opening and changing pull requests, and following their branches.

use serde::Deserialize;
use serde_json::json;

use crate::auth::{Access, Actor};
use crate::error::{ApiError, ApiResult};
use crate::git::Git;
use crate::names::{RepoName, Sha};
use crate::sim::Sim;
use crate::state::{Merged, Pull, PullState, Repo, ReviewState};
use crate::view;
use crate::webhooks::Event;

/// The body of `POST /repos/{owner}/{repo}/pulls`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NewPull {
    /// The title.
    pub title: String,
    /// The head branch, perhaps as `owner:branch`.
    pub head: String,
    /// The base branch.
    pub base: String,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: Option<bool>,
}

/// The body of `PATCH /repos/{owner}/{repo}/pulls/{number}`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Edit {
    /// A new title.
    pub title: Option<String>,
    /// A new body.
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: Option<String>,
    /// Another base branch.
    pub base: Option<String>,
}

/// Opens a pull request.
///
/// # Errors
/// 422 in GitHub's words: unknown branches, nothing to merge, or one that exists already.
pub(crate) async fn open(sim: &Sim, access: &Access, new: NewPull) -> ApiResult<u64> {
    let _lock = sim.lock(&access.name).await;
    let git = &access.git;
    let owner = &access.name.owner;
    let invalid = |field| ApiError::invalid_field("PullRequest", field, "invalid");
    let head_ref = match new.head.split_once(':') {
        Some((account, branch)) if account.eq_ignore_ascii_case(owner) => branch,
        Some(_) => return Err(invalid("head")),
        None => new.head.as_str(),
    };
    if new.title.trim().is_empty() {
        return Err(ApiError::invalid_field("PullRequest", "title", "missing_field"));
    }
    let base_sha = git.branch(&new.base).await?.ok_or_else(|| invalid("base"))?;
    let head_sha = git.branch(head_ref).await?.ok_or_else(|| invalid("head"))?;
    let repo = sim.repo(&access.name)?;
    if repo.open_pulls().any(|p| p.head_ref == head_ref && p.base_ref == new.base) {
        let message = format!("A pull request already exists for {owner}:{head_ref}.");
        return Err(ApiError::custom("PullRequest", message));
    }
    if head_ref == new.base || git.is_ancestor(&head_sha, &base_sha).await? {
        let message = format!("No commits between {} and {head_ref}", new.base);
        return Err(ApiError::custom("PullRequest", message));
    }
    if git.merge_base(&base_sha, &head_sha).await?.is_none() {
        let message = format!("The {head_ref} branch has no history in common with {}", new.base);
        return Err(ApiError::custom("PullRequest", message));
    }
    let now = sim.clock.now();
    let number = sim.store.write(|state| {
        let id = state.next_id();
        let repo = state.repo_mut(&access.name).ok_or_else(ApiError::not_found)?;
        let number = repo.pulls.keys().next_back().map_or(1, |last| last + 1);
        let pull = Pull {
            id,
            number,
            title: new.title,
            body: new.body,
            state: PullState::Open,
            draft: new.draft.unwrap_or(false),
            author: access.actor.login.clone(),
            head_ref: head_ref.to_owned(),
            head_sha: head_sha.clone(),
            base_ref: new.base,
            base_sha,
            merged: None,
            labels: Vec::new(),
            requested_reviewers: Vec::new(),
            reviews: Vec::new(),
            review_comments: Vec::new(),
            comments: Vec::new(),
            unknown_reads: sim.config.mergeable_unknown_reads,
            created_at: now,
            updated_at: now,
            closed_at: None,
        };
        repo.pulls.insert(number, pull);
        Ok::<_, ApiError>(number)
    })?;
    git.set_ref(&format!("refs/pull/{number}/head"), &head_sha).await?;
    announce(sim, &access.name, number, "opened", &access.actor, json!({})).await?;
    Ok(number)
}

/// Sends a `pull_request` event about the present state.
pub(super) async fn announce(
    sim: &Sim,
    name: &RepoName,
    number: u64,
    action: &'static str,
    actor: &Actor,
    extra: serde_json::Value,
) -> ApiResult<()> {
    let (repo, pull) = sim.pull(name, number)?;
    let facts = sim.facts(&repo, &pull).await?.not_computed();
    let mut payload = json!({ "number": number, "pull_request": view::pull(sim, &repo, &pull, &facts) });
    if let (Some(payload), serde_json::Value::Object(extra)) = (payload.as_object_mut(), extra) {
        payload.extend(extra);
    }
    sim.emit(&repo, Event::new("pull_request", action), actor, payload);
    Ok(())
}

/// Changes title, body, base or state.
///
/// # Errors
/// 404 for an unknown number, 422 for a change that is not possible.
pub(crate) async fn edit(sim: &Sim, access: &Access, number: u64, edit: Edit) -> ApiResult<()> {
    let _lock = sim.lock(&access.name).await;
    let (_, pull) = sim.pull(&access.name, number)?;
    let target = match edit.state.as_deref() {
        None => None,
        Some("open") => Some(PullState::Open),
        Some("closed") => Some(PullState::Closed),
        Some(_) => return Err(ApiError::invalid_field("PullRequest", "state", "invalid")),
    };
    let base_sha = match &edit.base {
        Some(base) => {
            let tip = access.git.branch(base).await?;
            Some(tip.ok_or_else(|| ApiError::invalid_field("PullRequest", "base", "invalid"))?)
        }
        None => None,
    };
    let reopened_head = match target {
        Some(PullState::Open) if pull.state == PullState::Closed => Some(head_to_reopen(sim, access, &pull).await?),
        _ => None,
    };
    let mut changes = serde_json::Map::new();
    let now = sim.clock.now();
    sim.change_pull(&access.name, number, |pull| {
        if let Some(title) = edit.title.filter(|t| *t != pull.title) {
            changes.insert("title".to_owned(), json!({ "from": std::mem::replace(&mut pull.title, title) }));
        }
        if let Some(body) = edit.body.filter(|b| Some(b) != pull.body.as_ref()) {
            let from = pull.body.replace(body).unwrap_or_default();
            changes.insert("body".to_owned(), json!({ "from": from }));
        }
        if let (Some(base), Some(tip)) = (edit.base, base_sha) {
            let from = std::mem::replace(&mut pull.base_ref, base);
            let old = std::mem::replace(&mut pull.base_sha, tip);
            changes.insert("base".to_owned(), json!({ "ref": { "from": from }, "sha": { "from": old } }));
        }
        if let Some(state) = target {
            pull.state = state;
            pull.closed_at = (state == PullState::Closed).then(|| pull.closed_at.unwrap_or(now));
        }
        if let Some(head) = &reopened_head {
            pull.head_sha = head.clone();
        }
    })?;
    if !changes.is_empty() {
        announce(sim, &access.name, number, "edited", &access.actor, json!({ "changes": changes })).await?;
    }
    match target {
        Some(PullState::Closed) if pull.state == PullState::Open => {
            announce(sim, &access.name, number, "closed", &access.actor, json!({})).await
        }
        Some(PullState::Open) if pull.state == PullState::Closed => {
            announce(sim, &access.name, number, "reopened", &access.actor, json!({})).await
        }
        _ => Ok(()),
    }
}

/// The head of a closed pull request that may be opened again.
async fn head_to_reopen(sim: &Sim, access: &Access, pull: &Pull) -> ApiResult<Sha> {
    let custom = |message: String| ApiError::custom("PullRequest", message);
    if pull.merged.is_some() {
        return Err(custom("state cannot be changed. The pull request cannot be reopened.".to_owned()));
    }
    let head = access.git.branch(&pull.head_ref).await?;
    let head =
        head.ok_or_else(|| custom(format!("state cannot be changed. The {} branch was deleted.", pull.head_ref)))?;
    let repo = sim.repo(&access.name)?;
    if repo.open_pulls().any(|p| p.head_ref == pull.head_ref && p.base_ref == pull.base_ref) {
        let message = format!(
            "state cannot be changed. There is already an open pull request from {} to {}.",
            pull.head_ref, pull.base_ref
        );
        return Err(custom(message));
    }
    if head != pull.head_sha && !access.git.is_ancestor(&pull.head_sha, &head).await? {
        let message = format!("state cannot be changed. The {} branch was force-pushed or recreated.", pull.head_ref);
        return Err(custom(message));
    }
    Ok(head)
}

/// Follows a branch that moved: heads are synchronized, and pull requests whose head the base now contains are merged.
pub(crate) async fn after_push(
    sim: &Sim,
    git: &Git,
    repo: &Repo,
    branch: &str,
    before: Option<&Sha>,
    after: &Sha,
    actor: &Actor,
) -> ApiResult<()> {
    let dismiss = |pull: &Pull| repo.protections.get(&pull.base_ref).is_some_and(|p| p.dismiss_stale_reviews);
    for pull in repo.open_pulls() {
        if pull.head_ref == branch && pull.head_sha != *after {
            let tip = git.branch(&pull.base_ref).await?;
            let dismiss = dismiss(pull);
            sim.change_pull(&repo.name, pull.number, |pull| {
                pull.head_sha = after.clone();
                pull.base_sha = tip.unwrap_or_else(|| pull.base_sha.clone());
                pull.unknown_reads = sim.config.mergeable_unknown_reads;
                for review in pull.reviews.iter_mut().filter(|r| dismiss && r.state == ReviewState::Approved) {
                    review.state = ReviewState::Dismissed;
                }
            })?;
            git.set_ref(&format!("refs/pull/{}/head", pull.number), after).await?;
            let extra = json!({ "before": before, "after": after });
            announce(sim, &repo.name, pull.number, "synchronize", actor, extra).await?;
        } else if pull.base_ref == branch && git.is_ancestor(&pull.head_sha, after).await? {
            let now = sim.clock.now();
            sim.change_pull(&repo.name, pull.number, |pull| {
                pull.merged = Some(Merged { sha: after.clone(), by: actor.login.clone(), at: now });
                pull.state = PullState::Closed;
                pull.closed_at = Some(now);
                pull.base_sha = before.cloned().unwrap_or_else(|| pull.base_sha.clone());
            })?;
            announce(sim, &repo.name, pull.number, "closed", actor, json!({})).await?;
        }
    }
    Ok(())
}

/// Closes the open pull requests from or to a branch that was deleted.
pub(crate) async fn after_delete(sim: &Sim, repo: &Repo, branch: &str, actor: &Actor) -> ApiResult<()> {
    for pull in repo.open_pulls().filter(|p| p.head_ref == branch || p.base_ref == branch) {
        let now = sim.clock.now();
        sim.change_pull(&repo.name, pull.number, |pull| {
            pull.state = PullState::Closed;
            pull.closed_at = Some(now);
        })?;
        announce(sim, &repo.name, pull.number, "closed", actor, json!({})).await?;
    }
    Ok(())
}

/// Asks people for a review.
///
/// # Errors
/// 422 when one of them is the author or no collaborator.
pub(crate) async fn request_reviewers(sim: &Sim, access: &Access, number: u64, logins: &[String]) -> ApiResult<()> {
    let _lock = sim.lock(&access.name).await;
    let (repo, pull) = sim.pull(&access.name, number)?;
    if logins.iter().any(|l| l.eq_ignore_ascii_case(&pull.author)) {
        return Err(ApiError::unprocessable("Review cannot be requested from pull request author."));
    }
    if logins.iter().any(|l| sim.role(&repo.name, l).is_none()) {
        let message = format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is \
             not a collaborator of the {} repository.",
            repo.name
        );
        return Err(ApiError::unprocessable(message));
    }
    for login in logins {
        if pull.requested_reviewers.iter().any(|l| l.eq_ignore_ascii_case(login)) {
            continue;
        }
        sim.change_pull(&access.name, number, |pull| pull.requested_reviewers.push(login.clone()))?;
        let reviewer = view::user(&sim.links, &sim.user(login));
        let extra = json!({ "requested_reviewer": reviewer });
        announce(sim, &access.name, number, "review_requested", &access.actor, extra).await?;
    }
    Ok(())
}

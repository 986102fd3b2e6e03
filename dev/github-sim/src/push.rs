//! Moving references: what every push, API call and merge has in common.

use serde_json::{Value, json};

use crate::auth::{Access, Actor};
use crate::error::{ApiError, ApiResult};
use crate::git::{LogFilter, RefUpdate};
use crate::names::Sha;
use crate::pulls;
use crate::sim::Sim;
use crate::webhooks::Event;

/// Commits listed in one push event, as on GitHub.
const LISTED: usize = 20;

/// A reference that moved, was made or went away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    /// The full name.
    pub name: &'a str,
    /// Where it was; `None`: it is new.
    pub before: Option<&'a Sha>,
    /// Where it is; `None`: it is gone.
    pub after: Option<&'a Sha>,
    /// Whether commits were lost.
    pub forced: bool,
}

/// Moves a reference and tells everybody. The caller holds the repository's lock.
///
/// # Errors
/// 422 when the reference changed in the meantime.
pub(crate) async fn move_ref(sim: &Sim, access: &Access, moved: &Moved<'_>) -> ApiResult<()> {
    let change = RefUpdate { name: moved.name, old: moved.before, new: moved.after };
    if !access.git.update_ref(&change).await? {
        return Err(ApiError::unprocessable("Reference cannot be updated"));
    }
    announce(sim, access, moved).await
}

/// Deletes a branch when it exists. The caller holds the repository's lock.
///
/// # Errors
/// 500 when Git fails.
pub(crate) async fn delete_branch(sim: &Sim, access: &Access, branch: &str) -> ApiResult<()> {
    let Some(tip) = access.git.branch(branch).await? else { return Ok(()) };
    let name = format!("refs/heads/{branch}");
    move_ref(sim, access, &Moved { name: &name, before: Some(&tip), after: None, forced: false }).await
}

/// Sends the push event and lets pull requests follow.
///
/// # Errors
/// 500 when Git fails.
pub(crate) async fn announce(sim: &Sim, access: &Access, moved: &Moved<'_>) -> ApiResult<()> {
    let now = sim.clock.now();
    sim.store.write(|state| {
        if let Some(repo) = state.repo_mut(&access.name) {
            repo.pushed_at = now;
        }
    });
    let repo = sim.repo(&access.name)?;
    let payload = payload(sim, access, moved).await?;
    sim.emit(&repo, Event::plain("push"), &access.actor, payload);
    let Some(branch) = moved.name.strip_prefix("refs/heads/") else { return Ok(()) };
    match moved.after {
        Some(after) => pulls::after_push(sim, &access.git, &repo, branch, moved.before, after, &access.actor).await,
        None => pulls::after_delete(sim, &repo, branch, &access.actor).await,
    }
}

async fn payload(sim: &Sim, access: &Access, moved: &Moved<'_>) -> ApiResult<Value> {
    let commits = match moved.after {
        Some(after) => new_commits(sim, access, moved.before, after).await?,
        None => Vec::new(),
    };
    let zero = Sha::zero();
    let (before, after) = (moved.before.unwrap_or(&zero), moved.after.unwrap_or(&zero));
    let compare = format!("/compare/{}...{}", before.short(), after.short());
    Ok(json!({
        "ref": moved.name,
        "before": before,
        "after": after,
        "created": moved.before.is_none(),
        "deleted": moved.after.is_none(),
        "forced": moved.forced,
        "base_ref": null,
        "compare": sim.links.repo_html(&access.name, &compare),
        "head_commit": commits.last(),
        "commits": commits,
        "pusher": pusher(sim, &access.actor),
    }))
}

fn pusher(sim: &Sim, actor: &Actor) -> Value {
    json!({ "name": actor.login, "email": sim.user(&actor.login).commit_email() })
}

async fn new_commits(sim: &Sim, access: &Access, before: Option<&Sha>, after: &Sha) -> ApiResult<Vec<Value>> {
    let git = &access.git;
    let mut shas = git.log(after, before, &LogFilter::default()).await?;
    shas.truncate(LISTED);
    shas.reverse();
    let mut all = Vec::with_capacity(shas.len());
    for commit in git.commits(&shas).await? {
        let from = commit.parents.first().map_or(crate::git::EMPTY_TREE, Sha::as_str);
        let files = git.diff(from, commit.sha.as_str()).await?;
        let by = |wanted: &[&str]| -> Value {
            files.iter().filter(|f| wanted.contains(&f.status.as_str())).map(|f| f.path.as_str()).collect()
        };
        let removed = files.iter().filter(|f| f.status.as_str() == "removed").map(|f| &f.path);
        let renamed = files.iter().filter_map(|f| f.previous_path.as_ref());
        let who = |who: &crate::git::Identity| json!({ "name": who.name, "email": who.email });
        all.push(json!({
            "id": commit.sha,
            "tree_id": commit.tree,
            "distinct": true,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "url": sim.links.repo_html(&access.name, &format!("/commit/{}", commit.sha)),
            "author": who(&commit.author),
            "committer": who(&commit.committer),
            "added": by(&["added", "renamed"]),
            "removed": removed.chain(renamed).collect::<Vec<_>>(),
            "modified": by(&["modified", "changed"]),
        }));
    }
    Ok(all)
}

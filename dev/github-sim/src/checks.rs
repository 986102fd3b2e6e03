//! Check runs and commit statuses: report them, and what they say together.

use serde::Deserialize;
use serde_json::json;

use crate::auth::Actor;
use crate::error::{ApiError, ApiResult};
use crate::names::{RepoName, Sha};
use crate::sim::Sim;
use crate::state::{CheckRun, CommitStatus, Repo};
use crate::view;
use crate::webhooks::Event;

/// A check run to report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCheckRun {
    /// The commit.
    pub head_sha: Sha,
    /// The name that required checks match.
    pub name: String,
    /// Absent: still running.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// A short summary.
    #[serde(default)]
    pub summary: Option<String>,
}

/// A commit status to report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    /// The commit.
    pub sha: Sha,
    /// The name that required checks match.
    pub context: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// A short text.
    #[serde(default)]
    pub description: Option<String>,
}

const CONCLUSIONS: [&str; 7] =
    ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"];

/// The latest run of each name on a commit, by name.
pub(crate) fn latest_runs<'a>(repo: &'a Repo, sha: &Sha) -> Vec<&'a CheckRun> {
    let mut latest: Vec<&CheckRun> = Vec::new();
    for run in repo.check_runs.iter().filter(|r| r.head_sha == *sha) {
        latest.retain(|r| r.name != run.name);
        latest.push(run);
    }
    latest
}

/// The latest status of each context on a commit.
pub(crate) fn latest_statuses<'a>(repo: &'a Repo, sha: &Sha) -> Vec<&'a CommitStatus> {
    let mut latest: Vec<&CommitStatus> = Vec::new();
    for status in repo.statuses.iter().filter(|s| s.sha == *sha) {
        latest.retain(|s| s.context != status.context);
        latest.push(status);
    }
    latest
}

/// The status of runs taken together.
pub(crate) fn status_of(runs: &[&CheckRun]) -> &'static str {
    if runs.iter().all(|r| r.status == "completed") { "completed" } else { "in_progress" }
}

/// The conclusion of runs taken together, once all are completed.
pub(crate) fn conclusion_of(runs: &[&CheckRun]) -> Option<&'static str> {
    if status_of(runs) != "completed" {
        return None;
    }
    Some(if runs.iter().all(|r| passed(r)) { "success" } else { "failure" })
}

fn passed(run: &CheckRun) -> bool {
    matches!(run.conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
}

/// Whether a required check is satisfied on a commit: `None` when nothing was reported.
pub(crate) fn verdict(repo: &Repo, sha: &Sha, name: &str) -> Option<bool> {
    let run = latest_runs(repo, sha).into_iter().find(|r| r.name == name).map(passed);
    let status = latest_statuses(repo, sha).into_iter().find(|s| s.context == name).map(|s| s.state == "success");
    match (run, status) {
        (Some(a), Some(b)) => Some(a && b),
        (one, other) => one.or(other),
    }
}

/// Whether any check on the commit failed or still runs.
pub(crate) fn unstable(repo: &Repo, sha: &Sha) -> bool {
    latest_runs(repo, sha).into_iter().any(|r| !passed(r))
        || latest_statuses(repo, sha).into_iter().any(|s| s.state != "success")
}

/// Stores a check run; when all runs of the commit are completed, `check_suite` `completed` is sent.
///
/// # Errors
/// 404 for an unknown repository, 422 for an unknown commit or conclusion.
pub(crate) async fn report_run(sim: &Sim, name: &RepoName, new: NewCheckRun) -> ApiResult<CheckRun> {
    let _lock = sim.lock(name).await;
    if new.conclusion.as_deref().is_some_and(|c| !CONCLUSIONS.contains(&c)) {
        return Err(ApiError::invalid_field("CheckRun", "conclusion", "invalid"));
    }
    let git = sim.git.repo(name);
    let unknown = || ApiError::unprocessable(format!("No commit found for SHA: {}", new.head_sha));
    let commit = git.commit(&new.head_sha).await?.ok_or_else(unknown)?;
    let now = sim.clock.now();
    let run = sim.store.write(|state| {
        let (id, fresh_suite) = (state.next_id(), state.next_id());
        let repo = state.repo_mut(name).ok_or_else(ApiError::not_found)?;
        let suite = repo.check_runs.iter().find(|r| r.head_sha == new.head_sha).map_or(fresh_suite, |r| r.suite);
        let run = CheckRun {
            id,
            suite,
            head_sha: new.head_sha.clone(),
            name: new.name,
            status: if new.conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
            completed_at: new.conclusion.is_some().then_some(now),
            conclusion: new.conclusion,
            summary: new.summary,
            started_at: now,
        };
        repo.check_runs.push(run.clone());
        Ok::<_, ApiError>(run)
    })?;
    let repo = sim.repo(name)?;
    let runs = latest_runs(&repo, &new.head_sha);
    if status_of(&runs) == "completed" {
        let branches = git.refs("refs/heads/").await?;
        let branch = branches.iter().find(|r| r.sha == new.head_sha).and_then(|r| r.name.strip_prefix("refs/heads/"));
        let suite = view::check_suite(sim, &repo, &commit, &runs, branch);
        let actor = Actor { login: sim.bot_login(), app: true };
        sim.emit(&repo, Event::new("check_suite", "completed"), &actor, json!({ "check_suite": suite }));
    }
    Ok(run)
}

/// Stores a commit status.
///
/// # Errors
/// 404 for an unknown repository, 422 for an unknown commit or state.
pub(crate) async fn report_status(sim: &Sim, name: &RepoName, new: NewStatus) -> ApiResult<CommitStatus> {
    let _lock = sim.lock(name).await;
    if !matches!(new.state.as_str(), "error" | "failure" | "pending" | "success") {
        return Err(ApiError::invalid_field("Status", "state", "invalid"));
    }
    if sim.git.repo(name).commit(&new.sha).await?.is_none() {
        return Err(ApiError::unprocessable(format!("No commit found for SHA: {}", new.sha)));
    }
    let at = sim.clock.now();
    sim.store.write(|state| {
        let id = state.next_id();
        let repo = state.repo_mut(name).ok_or_else(ApiError::not_found)?;
        let status =
            CommitStatus { id, sha: new.sha, context: new.context, state: new.state, description: new.description, at };
        repo.statuses.push(status.clone());
        Ok(status)
    })
}

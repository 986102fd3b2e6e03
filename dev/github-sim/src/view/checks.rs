//! Check runs, check suites and commit statuses.

use serde_json::{Value, json};

use super::{app, node_id, pull_minimal, repository, simple_commit, user};
use crate::checks::{conclusion_of, status_of};
use crate::git::Commit;
use crate::names::Sha;
use crate::sim::Sim;
use crate::state::{CheckRun, CommitStatus, Repo};

fn app_of(sim: &Sim) -> Value {
    sim.config.app.as_ref().map_or(Value::Null, |config| app(sim, config, 1))
}

/// Open pull requests whose head is this commit.
fn pulls_of(sim: &Sim, repo: &Repo, sha: &Sha) -> Value {
    repo.open_pulls().filter(|p| p.head_sha == *sha).map(|p| pull_minimal(sim, repo, p)).collect()
}

/// A check run.
pub(crate) fn check_run(sim: &Sim, repo: &Repo, run: &CheckRun) -> Value {
    let url = sim.links.repo_api(&repo.name, &format!("/check-runs/{}", run.id));
    let html = sim.links.repo_html(&repo.name, &format!("/runs/{}", run.id));
    json!({
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": "",
        "url": url,
        "html_url": html,
        "details_url": html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.name,
            "summary": run.summary,
            "text": null,
            "annotations_count": 0,
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": { "id": run.suite },
        "app": app_of(sim),
        "pull_requests": pulls_of(sim, repo, &run.head_sha),
    })
}

/// The suite of all check runs of one commit.
pub(crate) fn check_suite(sim: &Sim, repo: &Repo, commit: &Commit, runs: &[&CheckRun], branch: Option<&str>) -> Value {
    let id = runs.first().map_or(0, |run| run.suite);
    let url = sim.links.repo_api(&repo.name, &format!("/check-suites/{id}"));
    let first = runs.iter().map(|r| r.started_at).min();
    let last = runs.iter().filter_map(|r| r.completed_at).max();
    json!({
        "id": id,
        "node_id": node_id("CheckSuite", id),
        "head_branch": branch,
        "head_sha": commit.sha,
        "status": status_of(runs),
        "conclusion": conclusion_of(runs),
        "url": url,
        "before": commit.parents.first(),
        "after": commit.sha,
        "pull_requests": pulls_of(sim, repo, &commit.sha),
        "app": app_of(sim),
        "created_at": first,
        "updated_at": last.or(first),
        "latest_check_runs_count": runs.len(),
        "check_runs_url": format!("{url}/check-runs"),
        "head_commit": simple_commit(commit),
    })
}

/// One commit status, as the list shows it.
pub(super) fn status(sim: &Sim, repo: &Repo, status: &CommitStatus) -> Value {
    let avatar = user(&sim.links, &sim.user(&sim.config.human))["avatar_url"].clone();
    json!({
        "id": status.id,
        "node_id": node_id("StatusContext", status.id),
        "url": sim.links.repo_api(&repo.name, &format!("/statuses/{}", status.sha)),
        "avatar_url": avatar,
        "state": status.state,
        "description": status.description,
        "target_url": null,
        "context": status.context,
        "created_at": status.at,
        "updated_at": status.at,
    })
}

/// All statuses of a commit, the latest of each context.
pub(crate) fn combined_status(sim: &Sim, repo: &Repo, sha: &Sha, latest: &[&CommitStatus]) -> Value {
    let failed = latest.iter().any(|s| matches!(s.state.as_str(), "failure" | "error"));
    let pending = latest.is_empty() || latest.iter().any(|s| s.state == "pending");
    json!({
        "state": if failed { "failure" } else if pending { "pending" } else { "success" },
        "statuses": latest.iter().map(|s| status(sim, repo, s)).collect::<Value>(),
        "sha": sha,
        "total_count": latest.len(),
        "repository": repository(sim, repo),
        "commit_url": sim.links.repo_api(&repo.name, &format!("/commits/{sha}")),
        "url": sim.links.repo_api(&repo.name, &format!("/commits/{sha}/status")),
    })
}

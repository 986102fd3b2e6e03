//! Repositories, pushes, and what people do with pull requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::checks::{self, NewCheckRun, NewStatus};
use crate::error::{ApiError, ApiResult};
use crate::names::RepoName;
use crate::pulls::{self, Edit, MergeMethod, MergeRequest, NewReview};
use crate::repos::{self, NewPush, NewRepo, as_person};
use crate::sim::Sim;
use crate::state::Protection;

type Shared = State<Arc<Sim>>;
type RepoPath = Path<(String, String)>;
type PullPath = Path<(String, String, u64)>;

fn name(owner: &str, repo: &str) -> ApiResult<RepoName> {
    RepoName::new(owner, repo).map_err(ApiError::unprocessable)
}

pub(super) async fn create(State(sim): Shared, Json(new): Json<NewRepo>) -> ApiResult<(StatusCode, Json<Value>)> {
    let html = sim.links.html_base().to_owned();
    let url = format!("{html}/{}/{}", new.owner, new.name);
    let sha = repos::create(&sim, new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "sha": sha, "html_url": url }))))
}

pub(super) async fn push(
    State(sim): Shared,
    Path((owner, repo)): RepoPath,
    Json(new): Json<NewPush>,
) -> ApiResult<Json<Value>> {
    let sha = repos::push_commit(&sim, &name(&owner, &repo)?, new).await?;
    Ok(Json(json!({ "sha": sha })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewBody {
    #[serde(default, rename = "as")]
    actor: Option<String>,
    event: String,
    #[serde(default)]
    body: Option<String>,
}

pub(super) async fn review(
    State(sim): Shared,
    Path((owner, repo, number)): PullPath,
    Json(body): Json<ReviewBody>,
) -> ApiResult<Json<Value>> {
    let access = as_person(&sim, &name(&owner, &repo)?, body.actor.as_deref())?;
    let new = NewReview { event: Some(body.event), body: body.body, ..NewReview::default() };
    let review = pulls::submit(&sim, &access, number, new).await?;
    Ok(Json(json!({ "id": review.id, "state": review.state.as_str(), "commit_id": review.commit })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActBody {
    #[serde(default, rename = "as")]
    actor: Option<String>,
    #[serde(default)]
    merge_method: MergeMethod,
}

pub(super) async fn merge(
    State(sim): Shared,
    Path((owner, repo, number)): PullPath,
    Json(body): Json<ActBody>,
) -> ApiResult<Json<Value>> {
    let access = as_person(&sim, &name(&owner, &repo)?, body.actor.as_deref())?;
    let request = MergeRequest { merge_method: body.merge_method, ..MergeRequest::default() };
    let sha = pulls::merge(&sim, &access, number, request).await?;
    Ok(Json(json!({ "sha": sha })))
}

async fn set_state(sim: &Sim, path: (String, String, u64), body: ActBody, state: &str) -> ApiResult<Json<Value>> {
    let (owner, repo, number) = path;
    let access = as_person(sim, &name(&owner, &repo)?, body.actor.as_deref())?;
    pulls::edit(sim, &access, number, Edit { state: Some(state.to_owned()), ..Edit::default() }).await?;
    Ok(Json(json!({ "state": state })))
}

pub(super) async fn close(
    State(sim): Shared,
    Path(path): PullPath,
    Json(body): Json<ActBody>,
) -> ApiResult<Json<Value>> {
    set_state(&sim, path, body, "closed").await
}

pub(super) async fn reopen(
    State(sim): Shared,
    Path(path): PullPath,
    Json(body): Json<ActBody>,
) -> ApiResult<Json<Value>> {
    set_state(&sim, path, body, "open").await
}

pub(super) async fn check_run(
    State(sim): Shared,
    Path((owner, repo)): RepoPath,
    Json(new): Json<NewCheckRun>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let run = checks::report_run(&sim, &name(&owner, &repo)?, new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": run.id, "status": run.status, "conclusion": run.conclusion }))))
}

pub(super) async fn status(
    State(sim): Shared,
    Path((owner, repo)): RepoPath,
    Json(new): Json<NewStatus>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let status = checks::report_status(&sim, &name(&owner, &repo)?, new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": status.id, "state": status.state }))))
}

pub(super) async fn protect(
    State(sim): Shared,
    Path((owner, repo, branch)): Path<(String, String, String)>,
    Json(rules): Json<Protection>,
) -> ApiResult<StatusCode> {
    set_protection(&sim, &name(&owner, &repo)?, &branch, Some(rules))
}

pub(super) async fn unprotect(
    State(sim): Shared,
    Path((owner, repo, branch)): Path<(String, String, String)>,
) -> ApiResult<StatusCode> {
    set_protection(&sim, &name(&owner, &repo)?, &branch, None)
}

fn set_protection(sim: &Sim, name: &RepoName, branch: &str, rules: Option<Protection>) -> ApiResult<StatusCode> {
    sim.store.write(|state| {
        let repo = state.repo_mut(name).ok_or_else(ApiError::not_found)?;
        match rules {
            Some(rules) => repo.protections.insert(branch.to_owned(), rules),
            None => repo.protections.remove(branch),
        };
        Ok(StatusCode::NO_CONTENT)
    })
}

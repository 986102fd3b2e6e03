//! Pull requests.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::context::{Body, CONTENTS_WRITE, Context, PULLS_READ, PULLS_WRITE};
use super::paging::Page;
use crate::error::{ApiError, ApiResult};
use crate::git::{FileChange, LogFilter};
use crate::names::RepoName;
use crate::pulls::{self, Edit, MergeRequest, NewPull};
use crate::sim::Sim;
use crate::state::{Pull, PullState};
use crate::view;

pub(super) async fn list(context: Context) -> ApiResult<Response> {
    let access = context.access(PULLS_READ)?;
    let repo = context.sim.repo(&access.name)?;
    let state = match context.query("state").unwrap_or("open") {
        "open" => Some(PullState::Open),
        "closed" => Some(PullState::Closed),
        "all" => None,
        _ => return Err(ApiError::invalid_field("PullRequest", "state", "invalid")),
    };
    // A head without an owner is ignored, as on GitHub.
    let head = context.query("head").and_then(|h| h.split_once(':'));
    let owner_fits = head.is_none_or(|(owner, _)| owner.eq_ignore_ascii_case(&access.name.owner));
    let fits = |p: &&Pull| {
        owner_fits
            && state.is_none_or(|s| p.state == s)
            && head.is_none_or(|(_, branch)| p.head_ref == branch)
            && context.query("base").is_none_or(|base| p.base_ref == base)
    };
    let mut found: Vec<&Pull> = repo.pulls.values().filter(fits).collect();
    if context.query("sort") == Some("updated") {
        found.sort_by_key(|p| p.updated_at);
    }
    if context.query("direction") != Some("asc") {
        found.reverse();
    }
    let page = Page::of(&context);
    let total = found.len();
    let shown = page.cut(found).into_iter().map(|p| view::pull_simple(&context.sim, &repo, p)).collect();
    Ok(page.answer(&context, total, shown))
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Response> {
    let access = context.access(PULLS_WRITE)?;
    let new: NewPull = body.parse()?;
    let number = pulls::open(&context.sim, &access, new).await?;
    let body = show(&context.sim, &access.name, number, true).await?;
    let url = context.sim.links.repo_api(&access.name, &format!("/pulls/{number}"));
    Ok((StatusCode::CREATED, [("location", url)], Json(body)).into_response())
}

/// The full view; `fresh` right after a change, when GitHub has not computed mergeability yet.
async fn show(sim: &Sim, name: &RepoName, number: u64, fresh: bool) -> ApiResult<Value> {
    let (repo, pull) = sim.pull(name, number)?;
    let facts = sim.facts(&repo, &pull).await?;
    let facts = if fresh || pull.unknown_reads > 0 { facts.not_computed() } else { facts };
    Ok(view::pull(sim, &repo, &pull, &facts))
}

pub(super) async fn get(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    if context.accepts("diff") {
        let facts = context.sim.facts(&repo, &pull).await?;
        let from = facts.merge_base.unwrap_or_else(|| pull.base_sha.clone());
        return Ok(access.git.diff_text(from.as_str(), pull.head_sha.as_str()).await?.into_response());
    }
    let body = show(&context.sim, &access.name, number, false).await?;
    context.sim.store.write(|s| {
        if let Some(pull) = s.repo_mut(&access.name).and_then(|r| r.pulls.get_mut(&number)) {
            pull.unknown_reads = pull.unknown_reads.saturating_sub(1);
        }
    });
    Ok(Json(body).into_response())
}

pub(super) async fn update(context: Context, body: Body) -> ApiResult<Json<Value>> {
    let number = context.number("number")?;
    let access = context.access(PULLS_WRITE)?;
    let edit: Edit = body.parse()?;
    pulls::edit(&context.sim, &access, number, edit).await?;
    show(&context.sim, &access.name, number, false).await.map(Json)
}

pub(super) async fn merge(context: Context, body: Body) -> ApiResult<Json<Value>> {
    let number = context.number("number")?;
    let access = context.access(CONTENTS_WRITE)?;
    let request: MergeRequest = body.parse()?;
    let sha = pulls::merge(&context.sim, &access, number, request).await?;
    Ok(Json(json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" })))
}

pub(super) async fn is_merged(context: Context) -> ApiResult<StatusCode> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (_, pull) = context.sim.pull(&access.name, number)?;
    if pull.merged.is_some() { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}

pub(super) async fn files(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    let facts = context.sim.facts(&repo, &pull).await?;
    let from = facts.merge_base.unwrap_or_else(|| pull.base_sha.clone());
    let files = access.git.diff(from.as_str(), pull.head_sha.as_str()).await?;
    let one = |f: &FileChange| view::file_change(&context.sim, &access.name, &pull.head_sha, f);
    Ok(Page::of(&context).list(&context, files.iter().map(one).collect()))
}

pub(super) async fn commits(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    let facts = context.sim.facts(&repo, &pull).await?;
    let mut shas = access.git.log(&pull.head_sha, facts.merge_base.as_ref(), &LogFilter::default()).await?;
    shas.reverse();
    let (page, total) = (Page::of(&context), shas.len());
    let commits = access.git.commits(&page.cut(shas)).await?;
    let shown = commits.iter().map(|c| view::commit(&context.sim, &access.name, c, None)).collect();
    Ok(page.answer(&context, total, shown))
}

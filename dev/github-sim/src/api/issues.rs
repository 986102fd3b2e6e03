//! The conversation of a pull request: comments and labels.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::context::{Body, Context, TALK_READ, TALK_WRITE};
use super::paging::Page;
use crate::error::{ApiError, ApiResult};
use crate::names::RepoName;
use crate::pulls;
use crate::view;

#[derive(Debug, Deserialize)]
pub(super) struct NewComment {
    body: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewLabels {
    labels: Vec<String>,
}

pub(super) async fn comments(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(TALK_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    let since = context.query("since").map(str::parse::<jiff::Timestamp>).transpose();
    let since = since.map_err(|_| ApiError::unprocessable("since must be an ISO 8601 timestamp"))?;
    let recent = pull.comments.iter().filter(|c| since.is_none_or(|s| c.at >= s));
    let shown = recent.map(|c| view::issue_comment(&context.sim, &repo, number, c)).collect();
    Ok(Page::of(&context).list(&context, shown))
}

pub(super) async fn comment(context: Context, body: Body) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(TALK_WRITE)?;
    let new: NewComment = body.parse()?;
    let comment = pulls::add_comment(&context.sim, &access, number, &new.body)?;
    let repo = context.sim.repo(&access.name)?;
    let body = view::issue_comment(&context.sim, &repo, number, &comment);
    let url = body["url"].as_str().unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, [("location", url)], Json(body)).into_response())
}

fn all_labels(context: &Context, name: &RepoName, number: u64) -> ApiResult<Json<Value>> {
    let (repo, pull) = context.sim.pull(name, number)?;
    let known = pull.labels.iter().filter_map(|l| repo.labels.get(l));
    Ok(Json(known.map(|l| view::label(&context.sim, &repo, l)).collect()))
}

pub(super) async fn labels(context: Context) -> ApiResult<Json<Value>> {
    let number = context.number("number")?;
    let access = context.access(TALK_READ)?;
    all_labels(&context, &access.name, number)
}

pub(super) async fn add_labels(context: Context, body: Body) -> ApiResult<Json<Value>> {
    let number = context.number("number")?;
    let access = context.access(TALK_WRITE)?;
    let new: NewLabels = body.parse()?;
    pulls::add_labels(&context.sim, &access, number, &new.labels)?;
    all_labels(&context, &access.name, number)
}

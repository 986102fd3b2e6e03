//! Reviews, their comments, and requests for them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::context::{Body, Context, PULLS_READ, PULLS_WRITE};
use super::paging::Page;
use crate::error::ApiResult;
use crate::pulls::{self, NewReview};
use crate::view;

pub(super) async fn list(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    let shown = pull.reviews.iter().map(|r| view::review(&context.sim, &repo, &pull, r)).collect();
    Ok(Page::of(&context).list(&context, shown))
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Json<Value>> {
    let number = context.number("number")?;
    let access = context.access(PULLS_WRITE)?;
    let new: NewReview = body.parse()?;
    let review = pulls::submit(&context.sim, &access, number, new).await?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    Ok(Json(view::review(&context.sim, &repo, &pull, &review)))
}

pub(super) async fn comments(context: Context) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_READ)?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    let shown = pull.review_comments.iter().map(|c| view::review_comment(&context.sim, &repo, &pull, c)).collect();
    Ok(Page::of(&context).list(&context, shown))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Reviewers {
    #[serde(default)]
    reviewers: Vec<String>,
}

pub(super) async fn request(context: Context, body: Body) -> ApiResult<Response> {
    let number = context.number("number")?;
    let access = context.access(PULLS_WRITE)?;
    let wanted: Reviewers = body.parse()?;
    pulls::request_reviewers(&context.sim, &access, number, &wanted.reviewers).await?;
    let (repo, pull) = context.sim.pull(&access.name, number)?;
    Ok((StatusCode::CREATED, Json(view::pull_simple(&context.sim, &repo, &pull))).into_response())
}

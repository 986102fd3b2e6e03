//! Comparisons of two commits.

use axum::Json;
use axum::response::{IntoResponse, Response};

use super::context::{CONTENTS_READ, Context};
use super::paging::Page;
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::git::LogFilter;
use crate::names::Sha;
use crate::view::{self, Comparison};

pub(super) async fn get(context: Context) -> ApiResult<Response> {
    let spec = context.param("spec");
    let access = context.access(CONTENTS_READ)?;
    let git = &access.git;
    let (base, head) = spec.split_once("...").ok_or_else(ApiError::not_found)?;
    let base = side(&access, base).await?;
    let head = side(&access, head).await?;
    let no_common =
        || ApiError { message: format!("No common ancestor between {base} and {head}."), ..ApiError::not_found() };
    let merge_base = git.merge_base(&base, &head).await?.ok_or_else(no_common)?;
    if context.accepts("diff") {
        return Ok(git.diff_text(merge_base.as_str(), head.as_str()).await?.into_response());
    }
    let (ahead, behind) = git.ahead_behind(&base, &head).await?;
    let mut shas = git.log(&head, Some(&base), &LogFilter::default()).await?;
    shas.reverse();
    let (page, total) = (Page::of(&context), shas.len());
    let commits = git.commits(&page.cut(shas)).await?;
    let files = git.diff(merge_base.as_str(), head.as_str()).await?;
    let base = git.commit(&base).await?.ok_or_else(ApiError::not_found)?;
    let merge_base = git.commit(&merge_base).await?.ok_or_else(ApiError::not_found)?;
    let comparison = Comparison {
        spec,
        base: &base,
        merge_base: &merge_base,
        head: &head,
        ahead,
        behind,
        commits: &commits,
        files: &files,
    };
    let body = view::comparison(&context.sim, &access.name, &comparison);
    // Only then there are pages of commits; files are on the first page.
    if total > commits.len() {
        return Ok(page.answer(&context, total, body));
    }
    Ok(Json(body).into_response())
}

/// One side, perhaps as `owner:branch`.
async fn side(access: &Access, text: &str) -> ApiResult<Sha> {
    let name = match text.split_once(':') {
        Some((owner, name)) if owner.eq_ignore_ascii_case(&access.name.owner) => name,
        Some(_) => return Err(ApiError::not_found()),
        None => text,
    };
    access.git.resolve_commit(name).await?.ok_or_else(ApiError::not_found)
}

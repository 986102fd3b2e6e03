//! References of the Git API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::context::{Body, CONTENTS_READ, CONTENTS_WRITE, Context, sha_parameter};
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::git::Ref;
use crate::names::{Sha, valid_ref};
use crate::push::{self, Moved};
use crate::view;

#[derive(Debug, Deserialize)]
pub(super) struct NewRef {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefChange {
    sha: String,
    #[serde(default)]
    force: bool,
}

pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let name = context.param("name");
    let access = context.access(CONTENTS_READ)?;
    let found = access.git.find_ref(&full_name(name)).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(view::reference(&context.sim, &access.name, &found)))
}

pub(super) async fn matching(context: Context) -> ApiResult<Json<Value>> {
    let prefix = context.param("prefix");
    let access = context.access(CONTENTS_READ)?;
    let found = access.git.refs(&full_name(prefix)).await?;
    Ok(Json(found.iter().map(|r| view::reference(&context.sim, &access.name, r)).collect()))
}

fn full_name(name: &str) -> String {
    if name.starts_with("refs/") { name.to_owned() } else { format!("refs/{name}") }
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Response> {
    let access = context.access(CONTENTS_WRITE)?;
    let new: NewRef = body.parse()?;
    if !new.name.starts_with("refs/") || new.name.matches('/').count() < 2 {
        let message = "Reference name must start with 'refs/' and contain at least two slashes.";
        return Err(ApiError::unprocessable(message));
    }
    if !valid_ref(&new.name) {
        return Err(ApiError::unprocessable(format!("{} is not a valid ref name.", new.name)));
    }
    let sha = sha_parameter(&new.sha)?;
    let kind = target(&access, &new.name, &sha).await?;
    let _lock = context.sim.lock(&access.name).await;
    if access.git.find_ref(&new.name).await?.is_some() {
        return Err(ApiError::unprocessable("Reference already exists"));
    }
    let moved = Moved { name: &new.name, before: None, after: Some(&sha), forced: false };
    push::move_ref(&context.sim, &access, &moved).await?;
    let made = Ref { name: new.name, sha, kind };
    let url = context.sim.links.repo_api(&access.name, &format!("/git/{}", view::encode_path(&made.name)));
    let body = Json(view::reference(&context.sim, &access.name, &made));
    Ok((StatusCode::CREATED, [("location", url)], body).into_response())
}

/// The kind of the object, which for a branch must be a commit.
async fn target(access: &Access, name: &str, sha: &Sha) -> ApiResult<String> {
    let missing = || ApiError::unprocessable("Object does not exist");
    let kind = access.git.object_kind(sha).await?.ok_or_else(missing)?;
    if name.starts_with("refs/heads/") && kind != "commit" {
        return Err(ApiError::unprocessable("Object is not a commit"));
    }
    Ok(kind)
}

pub(super) async fn update(context: Context, body: Body) -> ApiResult<Json<Value>> {
    let name = context.param("name");
    let access = context.access(CONTENTS_WRITE)?;
    let change: RefChange = body.parse()?;
    let name = full_name(name);
    let sha = sha_parameter(&change.sha)?;
    let kind = target(&access, &name, &sha).await?;
    let _lock = context.sim.lock(&access.name).await;
    let old = access.git.find_ref(&name).await?.ok_or_else(missing_ref)?;
    refuse_protected(&context, &access, &name)?;
    let forward = old.kind == "commit" && kind == "commit" && access.git.is_ancestor(&old.sha, &sha).await?;
    if !forward && !change.force {
        return Err(ApiError::unprocessable("Update is not a fast forward"));
    }
    if old.sha != sha {
        let moved = Moved { name: &name, before: Some(&old.sha), after: Some(&sha), forced: !forward };
        push::move_ref(&context.sim, &access, &moved).await?;
    }
    Ok(Json(view::reference(&context.sim, &access.name, &Ref { name, sha, kind })))
}

pub(super) async fn delete(context: Context) -> ApiResult<StatusCode> {
    let name = context.param("name");
    let access = context.access(CONTENTS_WRITE)?;
    let name = full_name(name);
    let _lock = context.sim.lock(&access.name).await;
    let old = access.git.find_ref(&name).await?.ok_or_else(missing_ref)?;
    refuse_protected(&context, &access, &name)?;
    let repo = context.sim.repo(&access.name)?;
    if name == format!("refs/heads/{}", repo.default_branch) {
        return Err(ApiError::unprocessable("Cannot delete the default branch"));
    }
    let moved = Moved { name: &name, before: Some(&old.sha), after: None, forced: false };
    push::move_ref(&context.sim, &access, &moved).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn missing_ref() -> ApiError {
    ApiError::unprocessable("Reference does not exist")
}

/// A protected branch moves by merges only.
fn refuse_protected(context: &Context, access: &Access, name: &str) -> ApiResult<()> {
    let repo = context.sim.repo(&access.name)?;
    match name.strip_prefix("refs/heads/").and_then(|branch| repo.protections.get(branch)) {
        Some(_) => Err(ApiError::unprocessable("Changes must be made through a pull request.")),
        None => Ok(()),
    }
}

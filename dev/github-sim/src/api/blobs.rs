//! Blobs of the Git API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::context::{Body, CONTENTS_READ, CONTENTS_WRITE, Context, sha_parameter};
use crate::error::{ApiError, ApiResult};
use crate::view;

#[derive(Debug, Deserialize)]
pub(super) struct NewBlob {
    content: String,
    #[serde(default)]
    encoding: Option<String>,
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Response> {
    let access = context.access(CONTENTS_WRITE)?;
    let new: NewBlob = body.parse()?;
    let bytes = match new.encoding.as_deref().unwrap_or("utf-8") {
        "utf-8" => new.content.into_bytes(),
        "base64" => {
            let flat: String = new.content.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let decoded = base64::engine::general_purpose::STANDARD.decode(flat);
            decoded.map_err(|_| ApiError::unprocessable("content is not valid Base64"))?
        }
        other => return Err(ApiError::unprocessable(format!("\"{other}\" is not a supported encoding"))),
    };
    let sha = access.git.write_blob(&bytes).await?;
    let url = context.sim.links.repo_api(&access.name, &format!("/git/blobs/{sha}"));
    let body = json!({ "sha": sha, "url": url });
    Ok((StatusCode::CREATED, [("location", url)], Json(body)).into_response())
}

pub(super) async fn get(context: Context) -> ApiResult<Response> {
    let sha = context.param("sha");
    let access = context.access(CONTENTS_READ)?;
    let sha = sha_parameter(sha)?;
    let bytes = access.git.blob(&sha).await?.ok_or_else(ApiError::not_found)?;
    if context.accepts("raw") {
        return Ok(([("content-type", "application/vnd.github.raw")], bytes).into_response());
    }
    Ok(Json(view::blob(&context.sim, &access.name, &sha, &bytes)).into_response())
}

//! Trees of the Git API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::context::{Body, CONTENTS_READ, CONTENTS_WRITE, Context};
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::git::{EMPTY_TREE, EntrySource, TreeEdit};
use crate::names::{Sha, valid_tree_path};
use crate::view;

#[derive(Debug, Deserialize)]
pub(super) struct NewTree {
    #[serde(default)]
    base_tree: Option<String>,
    tree: Vec<NewEntry>,
}

#[derive(Debug, Deserialize)]
struct NewEntry {
    path: String,
    mode: String,
    #[serde(default)]
    sha: ShaField,
    #[serde(default)]
    content: Option<String>,
}

/// Absent and `null` differ: `null` deletes the path.
#[derive(Debug, Default)]
enum ShaField {
    #[default]
    Absent,
    Null,
    Given(String),
}

impl<'de> Deserialize<'de> for ShaField {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(source)?.map_or(Self::Null, Self::Given))
    }
}

pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let name = context.param("name");
    let access = context.access(CONTENTS_READ)?;
    let sha = match Sha::parse(name) {
        Some(sha) => sha,
        None => access.git.resolve_commit(name).await?.ok_or_else(ApiError::not_found)?,
    };
    let recursive = context.query.iter().any(|(n, _)| n == "recursive");
    let tree = access.git.tree(&sha, recursive).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(view::tree(&context.sim, &access.name, &tree)))
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Response> {
    let access = context.access(CONTENTS_WRITE)?;
    let new: NewTree = body.parse()?;
    if new.tree.is_empty() {
        return Err(ApiError::unprocessable("Invalid tree info"));
    }
    let base = match &new.base_tree {
        Some(text) => Some(base_tree(&access, text).await?),
        None => None,
    };
    let mut edits = Vec::with_capacity(new.tree.len());
    for entry in new.tree {
        edits.push(checked(&access, entry).await?);
    }
    let sha = access.git.edit_tree(base.as_ref(), &edits).await?;
    let tree = access.git.tree(&sha, false).await?.ok_or_else(ApiError::not_found)?;
    let body = view::tree(&context.sim, &access.name, &tree);
    let url = context.sim.links.repo_api(&access.name, &format!("/git/trees/{sha}"));
    Ok((StatusCode::CREATED, [("location", url)], Json(body)).into_response())
}

async fn base_tree(access: &Access, text: &str) -> ApiResult<Sha> {
    let invalid = || ApiError::unprocessable("base_tree is not a valid tree oid");
    let sha = Sha::parse(text).ok_or_else(invalid)?;
    match access.git.object_kind(&sha).await?.as_deref() {
        Some("tree" | "commit") => Ok(sha),
        _ if text == EMPTY_TREE => Ok(sha),
        _ => Err(invalid()),
    }
}

/// Checks one entry as GitHub does, before anything is written.
async fn checked(access: &Access, entry: NewEntry) -> ApiResult<TreeEdit> {
    let NewEntry { path, mode, sha, content } = entry;
    if path.starts_with('/') {
        return Err(ApiError::unprocessable("tree.path cannot start with a slash"));
    }
    if !valid_tree_path(&path) {
        return Err(ApiError::unprocessable("tree.path contains a malformed path component"));
    }
    let kind = match mode.as_str() {
        "100644" | "100755" | "120000" => "blob",
        "040000" => "tree",
        "160000" => "commit",
        _ => return Err(ApiError::unprocessable("Must supply a valid tree.mode")),
    };
    if path.starts_with(".github/workflows/") && !access.workflows {
        return Err(ApiError::forbidden("Resource not accessible by integration")
            .with_header("x-accepted-github-permissions", "contents=write,workflows=write"));
    }
    let source = match (sha, content) {
        (ShaField::Null, None) => EntrySource::Delete,
        (ShaField::Given(text), None) => {
            let invalid = || ApiError::unprocessable(format!("tree.sha {text} is not a valid {kind}"));
            let sha = Sha::parse(&text).ok_or_else(invalid)?;
            let real = access.git.object_kind(&sha).await?;
            if kind != "commit" && real.as_deref() != Some(kind) && text != EMPTY_TREE {
                return Err(invalid());
            }
            EntrySource::Object(sha)
        }
        (ShaField::Absent, Some(text)) if kind == "blob" => EntrySource::Content(text.into_bytes()),
        _ => return Err(ApiError::unprocessable("Must supply either tree.sha or tree.content")),
    };
    Ok(TreeEdit { path, mode, source })
}

//! Files and folders at a reference.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::context::{CONTENTS_READ, Context};
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::git::TreeEntry;
use crate::names::Sha;
use crate::view;

pub(super) async fn root(context: Context) -> ApiResult<Response> {
    answer(&context, "").await
}

pub(super) async fn get(context: Context) -> ApiResult<Response> {
    let path = context.param("path");
    answer(&context, path.trim_matches('/')).await
}

async fn answer(context: &Context, path: &str) -> ApiResult<Response> {
    let access = context.access(CONTENTS_READ)?;
    let repo = context.sim.repo(&access.name)?;
    let reference = context.query("ref").unwrap_or(&repo.default_branch).to_owned();
    let no_commit =
        || ApiError { message: format!("No commit found for the ref {reference}"), ..ApiError::not_found() };
    let commit = access.git.resolve_commit(&reference).await?.ok_or_else(no_commit)?;
    if path.is_empty() {
        return folder(context, &access, &reference, path, &commit).await;
    }
    let found = access.git.entry(&commit, path).await?.ok_or_else(ApiError::not_found)?;
    if found.kind == "tree" {
        return folder(context, &access, &reference, path, &found.sha).await;
    }
    let (path, found) = follow_link(&access, &commit, path, found).await?;
    let bytes = access.git.blob(&found.sha).await?.unwrap_or_default();
    if context.accepts("raw") {
        return Ok(([("content-type", "application/vnd.github.raw; charset=utf-8")], bytes).into_response());
    }
    Ok(Json(view::contents(&context.sim, &access.name, &reference, &path, &found, &bytes)).into_response())
}

async fn folder(context: &Context, access: &Access, reference: &str, path: &str, tree: &Sha) -> ApiResult<Response> {
    let tree = access.git.tree(tree, false).await?.ok_or_else(ApiError::not_found)?;
    let one = |entry: &TreeEntry| {
        let full = if path.is_empty() { entry.path.clone() } else { format!("{path}/{}", entry.path) };
        view::directory_entry(&context.sim, &access.name, reference, &full, entry)
    };
    Ok(Json(tree.entries.iter().map(one).collect::<Value>()).into_response())
}

/// A symbolic link to a regular file of the repository is answered with that file, any other as itself.
async fn follow_link(access: &Access, commit: &Sha, path: &str, entry: TreeEntry) -> ApiResult<(String, TreeEntry)> {
    if entry.mode == "120000" {
        let target = access.git.blob(&entry.sha).await?.unwrap_or_default();
        if let Some(aim) = resolve(path, &String::from_utf8_lossy(&target))
            && let Some(found) = access.git.entry(commit, &aim).await?.filter(|e| e.mode.starts_with("100"))
        {
            return Ok((path.to_owned(), found));
        }
    }
    Ok((path.to_owned(), entry))
}

/// The path that a relative link at `path` leads to; `None` when it leaves the repository.
fn resolve(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn links_stay_inside() {
        assert_eq!(resolve("docs/a", "../README.md").as_deref(), Some("README.md"));
        assert_eq!(resolve("a", "b/./c").as_deref(), Some("b/c"));
        assert_eq!(resolve("a", "../x"), None);
        assert_eq!(resolve("a", "/etc/passwd"), None);
    }
}

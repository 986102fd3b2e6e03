//! Commits of the Git API and of the repository API, with their check runs and statuses.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{Body, CHECKS, CONTENTS_READ, CONTENTS_WRITE, Context, STATUSES, sha_parameter};
use super::paging::Page;
use crate::auth::{Access, Need};
use crate::checks;
use crate::error::{ApiError, ApiResult};
use crate::git::{EMPTY_TREE, Identity, LogFilter, NewCommit};
use crate::names::Sha;
use crate::view;

#[derive(Debug, Deserialize)]
pub(super) struct NewCommitBody {
    message: String,
    tree: String,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    author: Option<Person>,
    #[serde(default)]
    committer: Option<Person>,
    #[serde(default)]
    signature: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Person {
    name: String,
    email: String,
    #[serde(default)]
    date: Option<Timestamp>,
}

impl Person {
    fn identity(&self, now: Timestamp) -> ApiResult<Identity> {
        for (field, value) in [("name", &self.name), ("email", &self.email)] {
            if value.trim().is_empty() {
                return Err(ApiError::invalid_field("Commit", field, "missing_field"));
            }
        }
        Ok(Identity { name: self.name.clone(), email: self.email.clone(), date: self.date.unwrap_or(now) })
    }
}

pub(super) async fn create(context: Context, body: Body) -> ApiResult<Response> {
    let access = context.access(CONTENTS_WRITE)?;
    let new: NewCommitBody = body.parse()?;
    let git = &access.git;
    let no_tree = || ApiError::unprocessable("Tree SHA does not exist");
    let tree = Sha::parse(&new.tree).ok_or_else(no_tree)?;
    let empty = tree.as_str() == EMPTY_TREE;
    if !empty && git.object_kind(&tree).await?.as_deref() != Some("tree") {
        return Err(no_tree());
    }
    let mut parents = Vec::with_capacity(new.parents.len());
    for parent in &new.parents {
        let missing = || ApiError::unprocessable("Parent SHA does not exist or is not a commit object");
        let sha = Sha::parse(parent).ok_or_else(missing)?;
        if git.object_kind(&sha).await?.as_deref() != Some("commit") {
            return Err(missing());
        }
        parents.push(sha);
    }
    let now = context.sim.clock.now();
    let author = match &new.author {
        Some(person) => person.identity(now)?,
        None => context.sim.commit_identity(&access.actor.login),
    };
    let committer = match &new.committer {
        Some(person) => person.identity(now)?,
        None => author.clone(),
    };
    let commit = NewCommit { tree, parents, author, committer, message: new.message, signature: new.signature };
    let sha = git.write_commit(&commit).await?;
    let commit = git.commit(&sha).await?.ok_or_else(ApiError::not_found)?;
    let body = view::git_commit(&context.sim, &access.name, &commit);
    let url = context.sim.links.repo_api(&access.name, &format!("/git/commits/{sha}"));
    Ok((StatusCode::CREATED, [("location", url)], Json(body)).into_response())
}

pub(super) async fn get_git(context: Context) -> ApiResult<Json<Value>> {
    let sha = context.param("sha");
    let access = context.access(CONTENTS_READ)?;
    let sha = sha_parameter(sha)?;
    let commit = access.git.commit(&sha).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(view::git_commit(&context.sim, &access.name, &commit)))
}

pub(super) async fn list(context: Context) -> ApiResult<Response> {
    let access = context.access(CONTENTS_READ)?;
    let repo = context.sim.repo(&access.name)?;
    let start = context.query("sha").unwrap_or(&repo.default_branch);
    let tip = access.git.resolve_commit(start).await?.ok_or_else(ApiError::not_found)?;
    let time = |name| context.query(name).map(str::parse).transpose();
    let bad_time = |_| ApiError::unprocessable("since and until must be ISO 8601 timestamps");
    let filter = LogFilter {
        since: time("since").map_err(bad_time)?,
        until: time("until").map_err(bad_time)?,
        path: context.query("path").map(|p| p.trim_matches('/').to_owned()),
        no_merges: false,
    };
    let shas = access.git.log(&tip, None, &filter).await?;
    let page = Page::of(&context);
    let total = shas.len();
    let commits = access.git.commits(&page.cut(shas)).await?;
    let shown: Value = commits.iter().map(|c| view::commit(&context.sim, &access.name, c, None)).collect();
    Ok(page.answer(&context, total, shown))
}

/// `/commits/{ref}`, and below it `/check-runs`, `/status` and `/statuses`: references may hold slashes.
pub(super) async fn get(context: Context) -> ApiResult<Response> {
    let rest = context.param("rest");
    if let Some(name) = rest.strip_suffix("/check-runs") {
        return check_runs(&context, name).await;
    }
    if let Some(name) = rest.strip_suffix("/status") {
        return status(&context, name).await;
    }
    let access = context.access(CONTENTS_READ)?;
    let no_commit = || ApiError::unprocessable(format!("No commit found for SHA: {rest}"));
    let sha = access.git.resolve_commit(rest).await?.ok_or_else(no_commit)?;
    let commit = access.git.commit(&sha).await?.ok_or_else(no_commit)?;
    let from = commit.parents.first().map_or(EMPTY_TREE, Sha::as_str);
    if context.accepts("diff") {
        return Ok(access.git.diff_text(from, sha.as_str()).await?.into_response());
    }
    if context.accepts("sha") {
        return Ok(sha.to_string().into_response());
    }
    let files = access.git.diff(from, sha.as_str()).await?;
    Ok(Json(view::commit(&context.sim, &access.name, &commit, Some(&files))).into_response())
}

async fn resolve(context: &Context, need: Need, name: &str) -> ApiResult<(Access, Sha)> {
    let access = context.access(need)?;
    let no_commit = || ApiError::unprocessable(format!("No commit found for SHA: {name}"));
    let sha = access.git.resolve_commit(name).await?.ok_or_else(no_commit)?;
    Ok((access, sha))
}

async fn check_runs(context: &Context, name: &str) -> ApiResult<Response> {
    let (access, sha) = resolve(context, CHECKS, name).await?;
    let repo = context.sim.repo(&access.name)?;
    let all = context.query("filter") == Some("all");
    let runs = if all {
        repo.check_runs.iter().filter(|r| r.head_sha == sha).collect()
    } else {
        checks::latest_runs(&repo, &sha)
    };
    let wanted = |name: &str, value: &str| context.query(name).is_none_or(|v| v == value);
    let shown: Vec<Value> = runs
        .into_iter()
        .filter(|r| wanted("check_name", &r.name) && wanted("status", &r.status))
        .map(|r| view::check_run(&context.sim, &repo, r))
        .collect();
    let (page, total) = (Page::of(context), shown.len());
    let body = json!({ "total_count": total, "check_runs": page.cut(shown) });
    Ok(page.answer(context, total, body))
}

async fn status(context: &Context, name: &str) -> ApiResult<Response> {
    let (access, sha) = resolve(context, STATUSES, name).await?;
    let repo = context.sim.repo(&access.name)?;
    let latest = checks::latest_statuses(&repo, &sha);
    Ok(Json(view::combined_status(&context.sim, &repo, &sha, &latest)).into_response())
}

//! Branches and their protection.

use axum::Json;
use axum::response::Response;
use serde_json::{Value, json};

use super::context::{ADMINISTRATION, CONTENTS_READ, Context};
use super::paging::Page;
use crate::error::{ApiError, ApiResult};
use crate::sim::Sim;
use crate::state::Repo;
use crate::view;

pub(super) async fn list(context: Context) -> ApiResult<Response> {
    let access = context.access(CONTENTS_READ)?;
    let repo = context.sim.repo(&access.name)?;
    let refs = access.git.refs("refs/heads/").await?;
    let shown = refs
        .iter()
        .filter_map(|r| {
            let name = r.name.strip_prefix("refs/heads/")?;
            let url = context.sim.links.repo_api(&access.name, &format!("/commits/{}", r.sha));
            Some(json!({
                "name": name,
                "commit": { "sha": r.sha, "url": url },
                "protected": repo.protections.contains_key(name),
            }))
        })
        .collect();
    Ok(Page::of(&context).list(&context, shown))
}

/// `/branches/{branch}` and `/branches/{branch}/protection`: branch names may hold slashes.
pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let rest = context.param("rest");
    match rest.strip_suffix("/protection") {
        Some(branch) => protection(&context, branch).await,
        None => branch(&context, rest).await,
    }
}

async fn branch(context: &Context, name: &str) -> ApiResult<Json<Value>> {
    let access = context.access(CONTENTS_READ)?;
    let missing = || ApiError { message: "Branch not found".to_owned(), ..ApiError::not_found() };
    let tip = access.git.branch(name).await?.ok_or_else(missing)?;
    let commit = access.git.commit(&tip).await?.ok_or_else(missing)?;
    let repo = context.sim.repo(&access.name)?;
    let links = &context.sim.links;
    let url = links.repo_api(&access.name, &format!("/branches/{}", view::encode(name)));
    Ok(Json(json!({
        "name": name,
        "commit": view::commit(&context.sim, &access.name, &commit, None),
        "_links": {
            "self": url,
            "html": links.repo_html(&access.name, &format!("/tree/{}", view::encode_path(name))),
        },
        "protected": repo.protections.contains_key(name),
        "protection": summary(&context.sim, &repo, name),
        "protection_url": format!("{url}/protection"),
    })))
}

/// The part of the protection that readers see.
fn summary(sim: &Sim, repo: &Repo, branch: &str) -> Value {
    let rules = repo.protections.get(branch);
    let full = rules.map(|rules| view::protection(sim, &repo.name, branch, rules));
    let checks = full.as_ref().and_then(|f| f.get("required_status_checks")).cloned();
    let mut checks = checks.unwrap_or_else(|| json!({ "contexts": [], "checks": [] }));
    checks["enforcement_level"] = if rules.is_some() { "everyone" } else { "off" }.into();
    json!({ "enabled": rules.is_some(), "required_status_checks": checks })
}

async fn protection(context: &Context, branch: &str) -> ApiResult<Json<Value>> {
    let access = context.access(ADMINISTRATION)?;
    let not_found = |message: &str| ApiError { message: message.to_owned(), ..ApiError::not_found() };
    if access.git.branch(branch).await?.is_none() {
        return Err(not_found("Branch not found"));
    }
    let repo = context.sim.repo(&access.name)?;
    let rules = repo.protections.get(branch).ok_or_else(|| not_found("Branch not protected"))?;
    Ok(Json(view::protection(&context.sim, &access.name, branch, rules)))
}

//! The app, its installations and their tokens.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::context::{Body, Context};
use super::paging::Page;
use crate::auth::{Identity, TokenRequest, mint};
use crate::config::AppConfig;
use crate::error::{ApiError, ApiResult};
use crate::names::RepoName;
use crate::sim::Sim;
use crate::state::{Installation, Repo};
use crate::view;

/// Only the app itself, by its JWT, may ask.
fn as_app(context: &Context) -> ApiResult<&AppConfig> {
    match (&context.identity, &context.sim.config.app) {
        (Identity::App, Some(app)) => Ok(app),
        (Identity::Anonymous | Identity::App, _) => {
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded"))
        }
        _ => Err(ApiError::forbidden("You must authenticate with a GitHub App's JWT to use this endpoint")),
    }
}

/// Whether the installation covers every repository of its account.
fn covers_all(sim: &Sim, installation: &Installation) -> bool {
    sim.store.read(|s| {
        s.repos.values().filter(|r| r.name.owner.eq_ignore_ascii_case(&installation.account)).all(|r| r.app_installed)
    })
}

fn show(sim: &Sim, app: &AppConfig, installation: &Installation) -> Value {
    view::installation(sim, app, installation, covers_all(sim, installation))
}

pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let app = as_app(&context)?;
    let count = context.sim.store.read(|s| s.installations.len());
    Ok(Json(view::app(&context.sim, app, count)))
}

pub(super) async fn installations(context: Context) -> ApiResult<Response> {
    let app = as_app(&context)?;
    let all: Vec<Installation> = context.sim.store.read(|s| s.installations.values().cloned().collect());
    let shown = all.iter().map(|i| show(&context.sim, app, i)).collect();
    Ok(Page::of(&context).list(&context, shown))
}

fn find(sim: &Sim, id: u64) -> ApiResult<Installation> {
    let found = sim.store.read(|s| s.installations.values().find(|i| i.id == id).cloned());
    found.ok_or_else(ApiError::not_found)
}

pub(super) async fn installation(context: Context) -> ApiResult<Json<Value>> {
    let id = context.number("id")?;
    let app = as_app(&context)?;
    Ok(Json(show(&context.sim, app, &find(&context.sim, id)?)))
}

pub(super) async fn of_repository(context: Context) -> ApiResult<Json<Value>> {
    let (owner, name) = (context.param("owner"), context.param("repo"));
    let app = as_app(&context)?;
    let name = RepoName::new(owner, name).map_err(|_| ApiError::not_found())?;
    let installation = context.sim.store.read(|s| {
        let repo = s.repo(&name).filter(|r| r.app_installed)?;
        s.installations.get(&repo.name.owner.to_ascii_lowercase()).cloned()
    });
    let installation = installation.ok_or_else(ApiError::not_found)?;
    Ok(Json(show(&context.sim, app, &installation)))
}

pub(super) async fn access_token(context: Context, body: Body) -> ApiResult<Response> {
    let id = context.number("id")?;
    let app = as_app(&context)?;
    let request: TokenRequest = body.parse()?;
    let sim = &context.sim;
    let (text, token) = mint(sim, app, &find(sim, id)?, &request)?;
    let mut body = json!({
        "token": text,
        "expires_at": token.expires_at,
        "permissions": token.permissions,
        "repository_selection": if token.repositories.is_some() { "selected" } else { "all" },
    });
    if let Some(keys) = &token.repositories {
        let repos: Vec<Repo> = sim.store.read(|s| keys.iter().filter_map(|k| s.repos.get(k).cloned()).collect());
        body["repositories"] = repos.iter().map(|r| view::repository(sim, r)).collect();
    }
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn repositories(context: Context) -> ApiResult<Response> {
    let Identity::Installation(token) = &context.identity else {
        return Err(ApiError::forbidden(
            "You must authenticate with an installation access token to use this endpoint",
        ));
    };
    let sim = &context.sim;
    let repos: Vec<Repo> = sim.store.read(|s| {
        s.repos
            .values()
            .filter(|r| r.app_installed && r.name.owner.eq_ignore_ascii_case(&token.account))
            .filter(|r| token.repositories.as_ref().is_none_or(|keys| keys.contains(&r.name.key())))
            .cloned()
            .collect()
    });
    let page = Page::of(&context);
    let total = repos.len();
    let shown: Vec<Value> = page.cut(repos).iter().map(|r| view::repository(sim, r)).collect();
    let selection = if token.repositories.is_some() { "selected" } else { "all" };
    let body = json!({ "total_count": total, "repository_selection": selection, "repositories": shown });
    Ok(page.answer(&context, total, body))
}

/// Revokes the token that the call was made with.
pub(super) async fn revoke(context: Context) -> ApiResult<StatusCode> {
    let Identity::Installation(token) = &context.identity else {
        return Err(ApiError::forbidden(
            "You must authenticate with an installation access token to use this endpoint",
        ));
    };
    let header = context.headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    context.sim.store.write(|s| {
        s.tokens.retain(|text, t| !(t.installation == token.installation && header.ends_with(text.as_str())));
    });
    Ok(StatusCode::NO_CONTENT)
}

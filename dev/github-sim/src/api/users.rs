//! Accounts, their permissions, and the rate limit.

use axum::Json;
use serde_json::{Value, json};

use super::context::{Context, METADATA};
use crate::auth::Identity;
use crate::error::{ApiError, ApiResult};
use crate::oauth::UserToken;
use crate::sim::Sim;
use crate::state::{Role, User};
use crate::view;

fn profile(sim: &Sim, user: &User) -> Value {
    let public = sim
        .store
        .read(|s| s.repos.values().filter(|r| !r.private && r.name.owner.eq_ignore_ascii_case(&user.login)).count());
    view::full_user(&sim.links, user, public)
}

pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let login = context.param("login");
    let user = context.sim.store.read(|s| s.user(login).cloned()).ok_or_else(ApiError::not_found)?;
    Ok(Json(profile(&context.sim, &user)))
}

pub(super) async fn me(context: Context) -> ApiResult<Json<Value>> {
    match &context.identity {
        Identity::User(login) | Identity::Oauth(UserToken { login, .. }) => {
            Ok(Json(profile(&context.sim, &context.sim.user(login))))
        }
        Identity::Anonymous => Err(ApiError::requires_authentication()),
        Identity::App | Identity::Installation(_) => Err(ApiError::forbidden("Resource not accessible by integration")),
    }
}

pub(super) async fn permission(context: Context) -> ApiResult<Json<Value>> {
    let login = context.param("login");
    let access = context.access(METADATA)?;
    let sim = &context.sim;
    let missing = || ApiError { message: format!("{login} is not a user"), ..ApiError::not_found() };
    let account = sim.store.read(|s| s.user(login).cloned()).ok_or_else(missing)?;
    let repo = sim.repo(&access.name)?;
    let role = sim.role(&access.name, &account.login).or(if repo.private { None } else { Some(Role::Read) });
    let word = role.map_or("none", Role::as_str);
    let mut user = view::user(&sim.links, &account);
    user["role_name"] = word.into();
    user["permissions"] = json!({
        "admin": role >= Some(Role::Admin),
        "maintain": role >= Some(Role::Admin),
        "push": role >= Some(Role::Write),
        "triage": role >= Some(Role::Write),
        "pull": role.is_some(),
    });
    Ok(Json(json!({ "permission": word, "role_name": word, "user": user })))
}

pub(super) async fn rate_limit(context: Context) -> ApiResult<Json<Value>> {
    let now = context.sim.clock.now();
    let rate = context.sim.limits.count(&context.identity.label(), now, 0).json();
    Ok(Json(json!({
        "resources": { "core": rate, "search": rate, "graphql": rate },
        "rate": rate,
    })))
}

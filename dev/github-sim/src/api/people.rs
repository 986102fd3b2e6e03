//! What a person lets an OAuth app read about them: addresses, organizations, teams.

use axum::response::Response;
use serde_json::{Value, json};

use super::context::Context;
use super::paging::Page;
use crate::auth::Identity;
use crate::error::{ApiError, ApiResult};
use crate::view;

/// The caller's login, if they are a person who gave one of these scopes. Personal tokens have them all.
fn person<'a>(context: &'a Context, any_of: &[&str], refusal: ApiError) -> ApiResult<&'a str> {
    match &context.identity {
        Identity::User(login) => Ok(login),
        Identity::Oauth(token) if token.has(any_of) => Ok(&token.login),
        Identity::Oauth(_) => Err(refusal.with_header("x-accepted-oauth-scopes", &any_of.join(", "))),
        Identity::Anonymous => Err(ApiError::requires_authentication()),
        Identity::App | Identity::Installation(_) => Err(ApiError::forbidden("Resource not accessible by integration")),
    }
}

fn paged(context: &Context, all: Vec<Value>) -> Response {
    let (page, total) = (Page::of(context), all.len());
    page.answer(context, total, page.cut(all).into())
}

pub(super) async fn emails(context: Context) -> ApiResult<Response> {
    let login = person(&context, &["user:email", "user"], ApiError::not_found())?;
    let users = &context.sim.config.users;
    let emails = users.iter().find(|user| user.login.eq_ignore_ascii_case(login)).map(|user| user.emails.as_slice());
    let one = |email: &crate::EmailConfig| {
        let visibility = email.primary.then_some("private");
        json!({ "email": email.email, "primary": email.primary, "verified": email.verified, "visibility": visibility })
    };
    let all = emails.unwrap_or_default().iter().map(one).collect();
    Ok(paged(&context, all))
}

pub(super) async fn organizations(context: Context) -> ApiResult<Response> {
    let refusal = "You need at least read:org scope or user scope to list your organizations.";
    let login = person(&context, &["read:org", "user"], ApiError::forbidden(refusal))?;
    let mine = context.sim.oauth.organizations().into_iter().filter(|org| has(&org.members, login));
    let all = mine.map(|org| view::organization(&context.sim.links, &context.sim.user(&org.login))).collect();
    Ok(paged(&context, all))
}

pub(super) async fn teams(context: Context) -> ApiResult<Response> {
    let refusal = "You need at least read:org scope or user scope to list your teams.";
    let login = person(&context, &["read:org", "user"], ApiError::forbidden(refusal))?;
    let mut all = Vec::new();
    for org in context.sim.oauth.organizations() {
        let account = context.sim.user(&org.login);
        let mine = org.teams.iter().filter(|team| has(&team.members, login));
        all.extend(mine.map(|team| view::team(&context.sim.links, &account, team)));
    }
    Ok(paged(&context, all))
}

fn has(members: &[String], login: &str) -> bool {
    members.iter().any(|member| member.eq_ignore_ascii_case(login))
}

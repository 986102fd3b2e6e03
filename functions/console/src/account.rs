//! What belongs to who is signed in: their API tokens; for admins everybody's, and what was refused.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::Digest;
use domain::refusal::AccessRefusal;
use domain::role::{Scope, Scopes};
use domain::text;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::ApiToken;

use crate::backend::Backend;
use crate::caller::{Asking, SignedIn, Viewer};
use crate::pages::{self, TokenFacts};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::{SIGN_OUT, redirect};
use crate::{Console, secret_text};

/// What the forms on the page of tokens are for.
const TOKENS: &str = "tokens";
/// Longest life of a token, days.
const MAX_DAYS: i64 = 90;
/// Most live tokens of one person.
const MAX_TOKENS: usize = 20;
/// Longest name of a token, characters.
const MAX_LABEL: usize = 100;
/// Most refusals on the page.
const MAX_REFUSALS: i32 = 500;

/// `GET /account/tokens`.
pub(crate) async fn tokens<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let (viewer, session) = asking.signed_in()?;
    Ok(render(&console, viewer, session, None).await?)
}

async fn render<B: Backend>(
    console: &Console<B>,
    viewer: &Viewer,
    session: &SignedIn,
    made: Option<&SecretString>,
) -> Result<Response, Problem> {
    let mut tokens = console.backend.tokens().await?;
    tokens.retain(|token| viewer.may(Scope::Operate) || token.owner.is_same(viewer.person()));
    tokens
        .sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.digest.to_string().cmp(&b.digest.to_string())));
    let facts = TokenFacts {
        who: viewer.person().label(),
        role: session.role,
        tokens: &tokens,
        made: made.map(ExposeSecret::expose_secret),
        form_token: &session.form_token(TOKENS),
        sign_out_token: &session.form_token(SIGN_OUT),
        now: (console.now)(),
    };
    Ok(pages::page(&pages::tokens(&facts, &console.settings.base_url)))
}

#[derive(Deserialize)]
pub(crate) struct NewToken {
    token: String,
    label: String,
    days: i64,
    #[serde(default)]
    decide: Option<String>,
    #[serde(default)]
    operate: Option<String>,
}

/// `POST /account/tokens`: the answer is the only place where the token is ever seen.
pub(crate) async fn make<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    form: Result<Form<NewToken>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.signed_in()?;
    let whole = "The form is not whole. Nothing was made.";
    let Form(new) = form.map_err(|_| Problem::bad_request(whole))?;
    let (viewer, session) = asking.own_form(TOKENS, &new.token)?;
    let label = text::one_line(&new.label, MAX_LABEL + 1);
    if label.trim().is_empty() || label.chars().count() > MAX_LABEL {
        let detail = format!("A token needs a name of at most {MAX_LABEL} characters. Nothing was made.");
        return Err(Problem::bad_request(detail).into());
    }
    if !(1..=MAX_DAYS).contains(&new.days) {
        return Err(Problem::bad_request(format!("A token lives 1 to {MAX_DAYS} days. Nothing was made.")).into());
    }
    let wanted = [(Scope::Read, true), (Scope::Decide, new.decide.is_some()), (Scope::Operate, new.operate.is_some())];
    let scopes: Scopes = wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(scope, _)| scope).collect();
    if scopes.within(&session.role.scopes()) != scopes {
        let detail = "A token cannot allow what you may not do yourself. Nothing was made.";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).refused("a token beyond its owner's role").into());
    }
    let now = (console.now)();
    let is_live = |token: &ApiToken| token.revoked_at.is_none() && token.expires_at > now;
    let mine = console.backend.tokens().await?.into_iter().filter(is_live);
    if mine.filter(|token| token.owner.is_same(viewer.person())).count() >= MAX_TOKENS {
        let detail = format!("You have {MAX_TOKENS} tokens. Revoke one first; nothing was made.");
        return Err(Problem::new(StatusCode::CONFLICT, detail).into());
    }
    let secret = secret_text::new_token()?;
    let token = ApiToken {
        digest: Digest::of(secret.expose_secret()),
        owner: viewer.person().clone(),
        label,
        scopes,
        created_at: now,
        expires_at: now + SignedDuration::from_hours(24 * new.days),
        revoked_at: None,
        last_used: None,
    };
    console.backend.put_token(&token).await?;
    Ok(render(&console, viewer, session, Some(&secret)).await?)
}

#[derive(Deserialize)]
pub(crate) struct Revoke {
    token: String,
    digest: String,
}

/// `POST /account/tokens/revoke`: one's own; an admin anybody's. Somebody else's is as unknown as none at all.
pub(crate) async fn revoke<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    form: Result<Form<Revoke>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. Nothing was revoked."))?;
    let (viewer, _) = asking.own_form(TOKENS, &form.token)?;
    let digest: Digest = form.digest.parse().map_err(|_| Problem::not_found())?;
    let token = console.backend.token(digest).await?.ok_or_else(Problem::not_found)?;
    if !token.owner.is_same(viewer.person()) && !viewer.may(Scope::Operate) {
        return Err(Problem::not_found().refused("somebody else's token").into());
    }
    console.backend.revoke_token(digest, (console.now)()).await?;
    Ok(redirect(&format!("{}/account/tokens", console.settings.base_url))?)
}

#[derive(Deserialize)]
pub(crate) struct DayQuery {
    day: Option<String>,
}

/// `GET /account/refusals`: of a day, today's without one.
pub(crate) async fn refusals<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<DayQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.operator()?;
    let today = AccessRefusal::day((console.now)());
    let day = query.day.unwrap_or(today);
    if day.parse::<jiff::civil::Date>().is_err() || day.len() != 10 {
        return Err(Problem::bad_request("A day looks like 2026-11-22.").into());
    }
    let found = console.backend.refusals(&day, MAX_REFUSALS).await?;
    Ok(pages::page(&pages::refusals(&day, &found)).into_response())
}

//! The page on which somebody signs in at an app with an account of here. GitHub asks for a password; here one picks
//! who one is.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, StatusCode};
use maud::html;
use serde::Deserialize;
use url::Url;

use super::{Failed, Page, layout};
use crate::config::OauthApp;
use crate::error::ApiError;
use crate::oauth::Code;
use crate::sim::Sim;
use crate::state::{AccountKind, User};

/// What an app asks for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Asked {
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
}

/// What a person answers. `login` is empty for "no".
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    asked: Asked,
    #[serde(default)]
    login: String,
}

/// The app, if what it asks for can be answered at all: an answer goes to its registered callback only.
fn checked(sim: &Sim, asked: &Asked) -> Result<OauthApp, Failed> {
    let app = sim.oauth.app(&asked.client_id).ok_or_else(ApiError::not_found)?;
    if !asked.redirect_uri.is_empty() && asked.redirect_uri != app.callback_url {
        let message = "The redirect_uri is not associated with this application.";
        return Err(ApiError::unprocessable(message).into());
    }
    let challenged = !asked.code_challenge.is_empty() || !asked.code_challenge_method.is_empty();
    if challenged && (asked.code_challenge_method != "S256" || asked.code_challenge.len() != 43) {
        return Err(ApiError::unprocessable("The code_challenge must be one of method S256.").into());
    }
    Ok(app)
}

fn people(sim: &Sim) -> Vec<User> {
    sim.store.read(|s| s.users.values().filter(|user| user.kind == AccountKind::User).cloned().collect())
}

pub(super) async fn ask(State(sim): State<Arc<Sim>>, Query(asked): Query<Asked>) -> Result<Response, Failed> {
    let app = checked(&sim, &asked)?;
    let hidden = [
        ("client_id", &asked.client_id),
        ("redirect_uri", &asked.redirect_uri),
        ("scope", &asked.scope),
        ("state", &asked.state),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
    ];
    let body = html! {
        h1 { "Who are you?" }
        p { "An app at " code { (app.callback_url) } " asks you to sign in with your account. It may read: " (asked.scope) "." }
        form method="post" action="/login/oauth/authorize" {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            @for person in people(&sim) {
                p { button name="login" value=(person.login) { (person.login) }
                    @if let Some(name) = &person.name { " " (name) } }
            }
            p { button name="login" value="" { "Cancel" } }
        }
    };
    let mut response = Page(StatusCode::OK, layout::plain("Sign in", &body)).into_response();
    // Browsers hold a form's target against the address that its answer leads to, too.
    let origin = Url::parse(&app.callback_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self' {origin}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(http::header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

pub(super) async fn answer(State(sim): State<Arc<Sim>>, Form(answer): Form<Answer>) -> Result<Redirect, Failed> {
    let Answer { asked, login } = answer;
    let app = checked(&sim, &asked)?;
    let mut target =
        Url::parse(&app.callback_url).map_err(|_| ApiError::unprocessable("The callback is no address."))?;
    if login.is_empty() {
        target
            .query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The user has denied your application access.")
            .append_pair("state", &asked.state);
        return Ok(Redirect::to(target.as_str()));
    }
    let known = people(&sim).into_iter().find(|person| person.login.eq_ignore_ascii_case(&login));
    let person = known.ok_or_else(|| ApiError::unprocessable("There is no such person here."))?;
    let now = sim.clock.now();
    let code = sim.oauth.consent(
        now,
        Code {
            login: person.login,
            scopes: asked.scope.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
            redirect_uri: app.callback_url,
            challenge: Some(asked.code_challenge).filter(|challenge| !challenge.is_empty()),
            expires_at: now,
        },
    );
    target.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked.state);
    Ok(Redirect::to(target.as_str()))
}

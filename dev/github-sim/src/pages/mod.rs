//! Pages for people: repositories, files, commits, and pull requests that can be reviewed and merged in a browser.
//!
//! Everything is plain HTML without scripts. Forms act as the configured person.

mod authorize;
mod browse;
mod diff;
mod forms;
mod layout;
mod markdown;
mod pull;

use std::sync::Arc;

use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderName, StatusCode};
use maud::{Markup, html};

use crate::error::ApiError;
use crate::names::RepoName;
use crate::sim::Sim;

/// The routes of the pages.
pub(crate) fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/", get(browse::repositories))
        .route("/_avatars/{id}", get(browse::avatar))
        .route("/login/oauth/authorize", get(authorize::ask).post(authorize::answer))
        .route("/{owner}", get(browse::account))
        .route("/{owner}/{repo}", get(browse::home))
        .route("/{owner}/{repo}/tree/{*rest}", get(browse::tree))
        .route("/{owner}/{repo}/blob/{*rest}", get(browse::blob))
        .route("/{owner}/{repo}/raw/{*rest}", get(browse::raw))
        .route("/{owner}/{repo}/commits/{*name}", get(browse::commits))
        .route("/{owner}/{repo}/commit/{sha}", get(browse::commit))
        .route("/{owner}/{repo}/pulls", get(pull::list))
        .route("/{owner}/{repo}/pull/{number}", get(pull::show))
        .route("/{owner}/{repo}/pull/{number}/review", post(forms::review))
        .route("/{owner}/{repo}/pull/{number}/comment", post(forms::comment))
        .route("/{owner}/{repo}/pull/{number}/merge", post(forms::merge))
        .route("/{owner}/{repo}/pull/{number}/state", post(forms::state))
}

/// Headers of every page: no script, no foreign resource, no framing.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (http::header::REFERRER_POLICY, "same-origin"),
    (http::header::CACHE_CONTROL, "no-store"),
];

/// A finished page.
pub(crate) struct Page(StatusCode, Markup);

impl Page {
    fn ok(markup: Markup) -> Self {
        Self(StatusCode::OK, markup)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.0, HEADERS, Html(self.1.into_string())).into_response()
    }
}

/// A failure as a page: what happened, that nothing changed, and the way back.
pub(crate) struct Failed {
    error: ApiError,
    back: Option<String>,
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self { error, back: None }
    }
}

impl From<crate::git::GitError> for Failed {
    fn from(error: crate::git::GitError) -> Self {
        Self::from(ApiError::from(error))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Self { error, back } = self;
        let mut message = error.message.clone();
        for detail in error.errors.iter().flatten() {
            let text = detail.as_str().or_else(|| detail["message"].as_str());
            if let Some(text) = text {
                message.push_str(": ");
                message.push_str(text);
            }
        }
        let body = html! {
            h1 { (error.status.as_u16()) " " (error.status.canonical_reason().unwrap_or("Failed")) }
            p { (message) }
            @if let Some(back) = back {
                p { "Nothing was changed. " a href=(back) { "Back to the pull request" } }
            } @else {
                p { a href="/" { "All repositories" } }
            }
        };
        Page(error.status, layout::plain("Not possible", &body)).into_response()
    }
}

/// The repository of a path, or a 404 page.
fn repo_name(owner: &str, name: &str) -> Result<RepoName, Failed> {
    RepoName::new(owner, name).map_err(|_| ApiError::not_found().into())
}

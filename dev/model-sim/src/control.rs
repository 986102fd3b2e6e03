//! The control API.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sim/health` | answers 204 |
//! | `PUT /_sim/scripts/{key}` `{"match": "ticket: FL-1", "script": "<model.jsonl>"}` | registers or replaces a script |
//! | `GET /_sim/scripts`, `GET /_sim/scripts/{key}` | per consumer: lines, used, remaining, turns |
//! | `POST /_sim/scripts/{key}/forget` | the next request takes a new line even if it repeats the conversation |
//! | `DELETE /_sim/scripts/{key}` | removes it |
//! | `GET /_sim/requests?script=` | the recorded requests, oldest first |
//! | `DELETE /_sim/requests` | forgets them |
//!
//! Errors are `{"error": "…"}`.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::registry::RegisterError;
use crate::server::App;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sim/health", get(|| async { StatusCode::NO_CONTENT }))
        .route("/_sim/scripts", get(scripts))
        .route("/_sim/scripts/{key}", put(register).get(script).delete(remove))
        .route("/_sim/scripts/{key}/forget", post(forget))
        .route("/_sim/requests", get(requests).delete(clear))
}

/// The body of a registration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    #[serde(rename = "match")]
    marker: String,
    script: String,
}

#[derive(Debug, Deserialize)]
struct Filter {
    script: Option<String>,
}

fn error(status: StatusCode, what: impl Into<String>) -> Response {
    (status, Json(json!({"error": what.into()}))).into_response()
}

fn unknown(key: &str) -> Response {
    error(StatusCode::NOT_FOUND, format!("no script is registered under the key {key:?}"))
}

async fn register(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    body: Result<Json<Registration>, JsonRejection>,
) -> Response {
    let Json(Registration { marker, script }) = match body {
        Ok(body) => body,
        Err(rejection) => return error(rejection.status(), rejection.body_text()),
    };
    let registered = app.registry().register(&key, &marker, &script);
    match registered {
        Ok(status) => Json(status).into_response(),
        Err(problem @ RegisterError::SameMatch { .. }) => error(StatusCode::CONFLICT, problem.to_string()),
        Err(problem) => error(StatusCode::UNPROCESSABLE_ENTITY, problem.to_string()),
    }
}

async fn scripts(State(app): State<Arc<App>>) -> Response {
    Json(app.registry().statuses()).into_response()
}

async fn script(State(app): State<Arc<App>>, Path(key): Path<String>) -> Response {
    let status = app.registry().status(&key);
    status.map_or_else(|| unknown(&key), |status| Json(status).into_response())
}

async fn remove(State(app): State<Arc<App>>, Path(key): Path<String>) -> Response {
    if app.registry().remove(&key) { StatusCode::NO_CONTENT.into_response() } else { unknown(&key) }
}

async fn forget(State(app): State<Arc<App>>, Path(key): Path<String>) -> Response {
    if app.registry().forget(&key) { StatusCode::NO_CONTENT.into_response() } else { unknown(&key) }
}

async fn requests(State(app): State<Arc<App>>, Query(filter): Query<Filter>) -> Response {
    Json(app.recorded(filter.script.as_deref())).into_response()
}

async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.clear_recorded();
    StatusCode::NO_CONTENT
}

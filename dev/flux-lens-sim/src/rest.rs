//! The REST API that the service uses: `GET /tickets/{id}`, `PATCH /tickets/{id}`, `GET` and `POST
//! /tickets/{id}/comments`, `GET /tickets`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::faults;
use crate::problem::{Problem, read};
use crate::server::App;
use crate::ticket::{Comment, Status, Ticket};
use crate::tracker::Record;

/// The longest comment, in characters.
const COMMENT_LIMIT: usize = 65_536;

/// A ticket as the REST API answers it.
#[derive(Serialize)]
struct TicketView<'a> {
    #[serde(flatten)]
    ticket: &'a Ticket,
    status: Status,
}

impl<'a> From<&'a Record> for TicketView<'a> {
    fn from(record: &'a Record) -> Self {
        Self { ticket: &record.ticket, status: record.status }
    }
}

pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/tickets", get(list))
        .route("/tickets/{id}", get(ticket).patch(patch))
        .route("/tickets/{id}/comments", get(comments).post(comment))
        .layer(middleware::from_fn_with_state(Arc::clone(app), authorize))
        .layer(middleware::from_fn_with_state(Arc::clone(app), faults::layer))
}

async fn authorize(State(app): State<Arc<App>>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Problem::new(StatusCode::UNAUTHORIZED, "a bearer token is required").into_response(),
        Some(token) if token != app.token() => {
            Problem::new(StatusCode::UNAUTHORIZED, "the bearer token is not valid").into_response()
        }
        Some(_) => next.run(request).await,
    }
}

async fn list(State(app): State<Arc<App>>) -> Response {
    app.read(|state| Json(state.tracker.list().map(TicketView::from).collect::<Vec<_>>()).into_response())
}

async fn ticket(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    app.read(|state| Ok(Json(TicketView::from(state.tracker.get(&id)?)).into_response()))
}

async fn comments(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Vec<Comment>>, Problem> {
    app.read(|state| Ok(Json(state.tracker.get(&id)?.comments.clone())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusPatch {
    status: Status,
}

async fn patch(State(app): State<Arc<App>>, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let StatusPatch { status } = read(&body)?;
    if !Status::SETTABLE.contains(&status) {
        let settable = Status::SETTABLE.map(|status| status.to_string()).join(", ");
        return Err(Problem::field("status", format!("the status cannot be set to {status}; use one of: {settable}")));
    }
    app.set_status_by_integration(&id, status)?;
    app.read(|state| Ok(Json(TicketView::from(state.tracker.get(&id)?)).into_response()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewComment {
    body: String,
}

async fn comment(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Comment>), Problem> {
    let NewComment { body } = read(&body)?;
    if body.trim().is_empty() {
        return Err(Problem::field("body", "a comment needs words"));
    }
    if body.chars().count() > COMMENT_LIMIT {
        return Err(Problem::field("body", format!("a comment has at most {COMMENT_LIMIT} characters")));
    }
    let now = app.now();
    let comment = app.change(|state| state.tracker.comment(&id, body, now))?;
    Ok((StatusCode::CREATED, Json(comment)))
}

//! The control API.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sim/health` | answers 204 |
//! | `GET /_sim/state` | everything: webhook, tickets with comments, deliveries with attempts, faults, REST calls |
//! | `PUT /_sim/webhook` `{"url", "scheme": "standard"\|"simple", "secrets": ["whsec_…"]}` | where webhooks go |
//! | `DELETE /_sim/webhook` | stops them |
//! | `POST /_sim/tickets` | creates a ticket ([`NewTicket`]) and tells the service |
//! | `PATCH /_sim/tickets/{id}` | changes a ticket as a person does ([`TicketChange`]) |
//! | `POST /_sim/tickets/{id}/cancel` | cancels it as a person does |
//! | `POST /_sim/deliveries/{id}/redeliver` | delivers a message once more, under the same id |
//! | `POST /_sim/forgeries` | sends what Flux Lens would not ([`Forgery`]); answers what the receiver answered |
//! | `POST /_sim/faults`, `DELETE /_sim/faults` | orders a fault of the REST API ([`Fault`]), forgets them all |
//!
//! Errors are problem details.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use serde::Deserialize;

use crate::delivery::Endpoint;
use crate::faults::Fault;
use crate::forge::{self, Answer, ForgeError, Forgery};
use crate::problem::{Problem, read};
use crate::server::App;
use crate::signing::{Scheme, Secret};
use crate::state::{self, Inner};
use crate::ticket::{NewTicket, Status, Ticket, TicketChange};
use crate::tracker::Record;

/// The largest body, in bytes: room for an oversized forgery.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sim/health", get(|| async { StatusCode::NO_CONTENT }))
        .route("/_sim/state", get(everything))
        .route("/_sim/webhook", put(set_webhook).delete(stop_webhook))
        .route("/_sim/tickets", post(create))
        .route("/_sim/tickets/{id}", patch(change))
        .route("/_sim/tickets/{id}/cancel", post(cancel))
        .route("/_sim/deliveries/{id}/redeliver", post(redeliver))
        .route("/_sim/forgeries", post(send_forgery))
        .route("/_sim/faults", post(inject).delete(forget_faults))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

async fn everything(State(app): State<Arc<App>>) -> Json<state::State> {
    Json(app.read(Inner::snapshot))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookSetting {
    url: String,
    #[serde(default)]
    scheme: Scheme,
    secrets: Vec<String>,
}

async fn set_webhook(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Problem> {
    let WebhookSetting { url, scheme, secrets } = read(&body)?;
    reqwest::Url::parse(&url).map_err(|error| Problem::field("url", error.to_string()))?;
    if secrets.is_empty() {
        return Err(Problem::field("secrets", "at least one key is needed to sign with"));
    }
    let secrets: Result<Vec<Secret>, _> = secrets.iter().map(|secret| secret.parse()).collect();
    let secrets = secrets.map_err(|error| Problem::field("secrets", error.to_string()))?;
    app.change(|state| state.endpoint = Some(Endpoint { url, scheme, secrets }));
    Ok(StatusCode::NO_CONTENT)
}

async fn stop_webhook(State(app): State<Arc<App>>) -> StatusCode {
    app.change(|state| state.endpoint = None);
    StatusCode::NO_CONTENT
}

async fn create(State(app): State<Arc<App>>, body: Bytes) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let new: NewTicket = read(&body)?;
    Ok((StatusCode::CREATED, Json(app.create(new)?)))
}

async fn change(State(app): State<Arc<App>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Record>, Problem> {
    let change: TicketChange = read(&body)?;
    app.edit(&id, change)?;
    app.read(|state| Ok(Json(state.tracker.get(&id)?.clone())))
}

async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Record>, Problem> {
    app.edit(&id, TicketChange { status: Some(Status::Cancelled), ..TicketChange::default() })?;
    app.read(|state| Ok(Json(state.tracker.get(&id)?.clone())))
}

async fn redeliver(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    if app.redeliver(&id) {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::new(StatusCode::NOT_FOUND, format!("there is no delivery {id:?}")))
    }
}

async fn send_forgery(State(app): State<Arc<App>>, body: Bytes) -> Result<Json<Vec<Answer>>, Problem> {
    let forgery: Forgery = read(&body)?;
    let sent = forge::send(&app, forgery).await;
    sent.map(Json).map_err(|error| match error {
        ForgeError::NoEndpoint => Problem::new(StatusCode::CONFLICT, error.to_string()),
        ForgeError::Ticket(error) => error.into(),
    })
}

async fn inject(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Problem> {
    let fault: Fault = read(&body)?;
    app.change(|state| state.faults.push(fault));
    Ok(StatusCode::NO_CONTENT)
}

async fn forget_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.change(|state| state.faults.clear());
    StatusCode::NO_CONTENT
}

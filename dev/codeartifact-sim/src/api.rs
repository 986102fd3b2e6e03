//! The service's own API, as its published model has it: REST with JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::state::App;

/// The service's limits for a token's life, seconds. 0 stands for the caller's session.
const LIFE: std::ops::RangeInclusive<i64> = 900..=43_200;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct TokenQuery {
    domain: String,
    domain_owner: Option<String>,
    duration: Option<i64>,
}

pub(crate) async fn token(State(app): State<Arc<App>>, Query(query): Query<TokenQuery>) -> Response {
    if let Some(refusal) = unknown(&app, &query.domain, query.domain_owner.as_deref()) {
        return refusal;
    }
    let seconds = query.duration.unwrap_or(*LIFE.end());
    if seconds != 0 && !LIFE.contains(&seconds) {
        return error(StatusCode::BAD_REQUEST, "ValidationException", "duration must be 0 or 900 to 43200");
    }
    let seconds = if seconds == 0 { 3_600 } else { seconds };
    let (token, end) = app.give_token(SignedDuration::from_secs(seconds));
    Json(json!({"authorizationToken": token, "expiration": end.as_second()})).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct EndpointQuery {
    domain: String,
    domain_owner: Option<String>,
    repository: String,
    format: String,
}

pub(crate) async fn endpoint(State(app): State<Arc<App>>, Query(query): Query<EndpointQuery>) -> Response {
    if let Some(refusal) = unknown(&app, &query.domain, query.domain_owner.as_deref()) {
        return refusal;
    }
    if query.repository != app.config.repository {
        return error(StatusCode::NOT_FOUND, "ResourceNotFoundException", "there is no such repository");
    }
    let url = format!("{}/{}/{}/", app.address, query.format, query.repository);
    Json(json!({"repositoryEndpoint": url})).into_response()
}

fn unknown(app: &App, domain: &str, owner: Option<&str>) -> Option<Response> {
    let is_ours = domain == app.config.domain && owner.is_none_or(|owner| owner == app.config.owner);
    (!is_ours).then(|| error(StatusCode::NOT_FOUND, "ResourceNotFoundException", "there is no such domain"))
}

fn error(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [("x-amzn-errortype", kind)], Json(json!({"message": message}))).into_response()
}

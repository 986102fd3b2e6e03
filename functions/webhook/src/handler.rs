//! Routes, and the order of checks: size, signature, form, queue.

use domain::inbound::{INBOUND_VERSION, Inbound, InboundEvent};
use domain::secrets::Fingerprint;
use domain::{DeliveryId, Digest, Timestamp};
use http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt as _, Response};
use runtime::metrics::{Unit, emit};
use serde_json::json;

use crate::answer::{json_answer, problem};
use crate::config::{Context, Scheme};
use crate::keys::Keys;
use crate::queue::{self, NotQueued};
use crate::signature::{self, NotVerified};
use crate::{flux_lens, github};

/// Largest body, bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Answers a request. Never fails: what goes wrong is an answer too.
pub async fn handle(context: &Context, request: Request, now: Timestamp) -> Response<Body> {
    let path = request.raw_http_path().trim_end_matches('/').to_owned();
    let (parts, body) = request.into_parts();
    let body: &[u8] = &body;
    let response = match (&parts.method, route(&path)) {
        (&Method::GET, Some(Route::Health)) => health(context),
        (&Method::POST, Some(Route::FluxLens | Route::Github)) if body.len() > MAX_BODY_BYTES => {
            problem(StatusCode::PAYLOAD_TOO_LARGE, Some("the body has more than 262144 bytes"))
        }
        (&Method::POST, Some(Route::FluxLens)) => flux_lens_delivery(context, &parts.headers, body, now).await,
        (&Method::POST, Some(Route::Github)) => github_delivery(context, &parts.headers, body, now).await,
        (_, Some(_)) => problem(StatusCode::METHOD_NOT_ALLOWED, None),
        (_, None) => problem(StatusCode::NOT_FOUND, None),
    };
    let status = response.status();
    tracing::info!(method = %parts.method, path, status = status.as_u16(), "answered");
    emit(now.as_millisecond(), "WebhookRequests", Unit::Count, 1.0, Some(("status", status.as_str())));
    response
}

enum Route {
    Health,
    FluxLens,
    Github,
}

/// The route of a path, whatever stage stands in front of it.
fn route(path: &str) -> Option<Route> {
    [("/health", Route::Health), ("/webhooks/flux-lens", Route::FluxLens), ("/webhooks/github", Route::Github)]
        .into_iter()
        .find_map(|(end, route)| path.ends_with(end).then_some(route))
}

fn health(context: &Context) -> Response<Body> {
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "commit": context.config.commit.as_deref().unwrap_or("unknown"),
    });
    json_answer(StatusCode::OK, &body)
}

async fn flux_lens_delivery(
    context: &Context,
    headers: &http::HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Response<Body> {
    let keys = match Keys::read(&context.secrets, &context.config.flux_lens_secret).await {
        Ok(keys) => keys,
        Err(failure) => return unavailable(&failure),
    };
    let verified = match context.config.scheme {
        Scheme::Standard => signature::standard(headers, body, &keys, now),
        Scheme::Simple => signature::simple(headers, body, &keys, now),
    };
    match verified {
        Err(reason) => unauthorized("flux-lens", reason),
        Ok(delivery) => match flux_lens::event(&delivery, now) {
            Ok(event) => {
                let answer = enqueue(context, &event).await;
                announce(context, "a key that Flux Lens signs with", &keys, now).await;
                answer
            }
            Err(reason) => problem(StatusCode::BAD_REQUEST, Some(&reason)),
        },
    }
}

async fn github_delivery(context: &Context, headers: &http::HeaderMap, body: &[u8], now: Timestamp) -> Response<Body> {
    let keys = match Keys::read(&context.secrets, &context.config.github_secret).await {
        Ok(keys) => keys,
        Err(failure) => return unavailable(&failure),
    };
    let delivery = match signature::github(headers, body, &keys) {
        Ok(delivery) => delivery,
        Err(reason) => return unauthorized("github", reason),
    };
    let event = headers.get("x-github-event").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match github::event(event, &delivery, now) {
        Ok(Some(event)) => {
            let answer = enqueue(context, &event).await;
            announce(context, "a key that GitHub signs with", &keys, now).await;
            answer
        }
        Ok(None) => json_answer(StatusCode::OK, &json!({"ignored": true})),
        Err(reason) => problem(StatusCode::BAD_REQUEST, Some(&reason)),
    }
}

async fn enqueue(context: &Context, event: &InboundEvent) -> Response<Body> {
    match queue::send(&context.sqs, &context.config.queue_url, event).await {
        Ok(()) => json_answer(StatusCode::ACCEPTED, &json!({"delivery_id": event.delivery_id})),
        Err(NotQueued::TooLarge) => problem(StatusCode::PAYLOAD_TOO_LARGE, Some("the event is too large")),
        Err(error) => unavailable(&error),
    }
}

/// Says once which keys this function holds, the only way that it has: over the queue. Fingerprints, not keys; nobody
/// is to publish one.
async fn announce(context: &Context, name: &str, keys: &Keys, now: Timestamp) {
    let held: Vec<_> = keys.texts().map(|key| (name, key)).collect();
    let tell = async |fingerprints: Vec<Fingerprint>| {
        let event = Inbound::SecretsHeld { fingerprints };
        let body_digest = Digest::of_json(&event).map_err(|error| NotQueued::Unavailable(error.to_string()))?;
        let delivery_id: Result<DeliveryId, _> = format!("webhook:{body_digest}").parse();
        let delivery_id = delivery_id.map_err(|error| NotQueued::Unavailable(error.to_string()))?;
        let event = InboundEvent { version: INBOUND_VERSION, delivery_id, body_digest, received_at: now, event };
        queue::send(&context.sqs, &context.config.queue_url, &event).await
    };
    context.secrets.announce(&held, tell).await;
}

/// The sender keeps the delivery and tries again.
fn unavailable(error: &dyn std::error::Error) -> Response<Body> {
    tracing::error!(%error, "a delivery could not be taken");
    problem(StatusCode::SERVICE_UNAVAILABLE, Some("the delivery was not taken; send it again"))
}

fn unauthorized(source: &str, reason: NotVerified) -> Response<Body> {
    tracing::warn!(source, %reason, "a delivery was refused");
    problem(StatusCode::UNAUTHORIZED, None)
}

//! The loopback server.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::meter::{Call, Meter};
use super::protocol::{Counter, Protocol, error_body, error_event};
use super::request::{self, MAX_REQUEST_BYTES};
use super::retry::RetryPolicy;
use super::sse::EventStream;
use super::upstream::{ModelRequest, Upstream, UpstreamError};

/// How long a request waits for the one before it. Calls are made one at a time, so that two of them cannot spend the
/// rest of a budget twice.
const QUEUE_LIMIT: Duration = Duration::from_mins(2);

/// What the proxy is made of.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// The protocol that Pi speaks.
    pub protocol: Protocol,
    /// The only model.
    pub model: String,
    /// Where requests go.
    pub upstream: Upstream,
    /// What they may cost.
    pub meter: Meter,
    /// When they are repeated.
    pub retry: RetryPolicy,
}

/// A proxy. Dropping it ends its service.
#[derive(Debug)]
pub struct ModelProxy {
    protocol: Protocol,
    key: String,
    routes: Router,
    tasks: Vec<JoinHandle<()>>,
}

impl ModelProxy {
    /// Makes a proxy that serves nobody yet.
    pub fn new(config: ProxyConfig) -> Self {
        let key = hex::encode(rand::random::<[u8; 24]>());
        let protocol = config.protocol;
        let path = match protocol {
            Protocol::Anthropic => "/v1/messages",
            Protocol::Openai => "/v1/chat/completions",
        };
        let shared = Arc::new(Shared { config, key: key.clone(), turn: Arc::new(Semaphore::new(1)) });
        let routes = Router::new()
            .route(path, post(complete))
            .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
            .with_state(shared);
        Self { protocol, key, routes, tasks: Vec::new() }
    }

    /// Serves whoever reaches this socket, wherever that is.
    ///
    /// # Errors
    /// The socket is not usable.
    pub fn serve(&mut self, listener: std::net::TcpListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let routes = self.routes.clone();
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the model proxy stopped");
            }
        }));
        Ok(())
    }

    /// The base address for Pi's provider configuration, on the port where the proxy can be reached.
    pub fn base_url(&self, port: u16) -> String {
        match self.protocol {
            Protocol::Anthropic => format!("http://127.0.0.1:{port}"),
            Protocol::Openai => format!("http://127.0.0.1:{port}/v1"),
        }
    }

    /// The dummy key, good for nothing but this proxy.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for ModelProxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[derive(Debug)]
struct Shared {
    config: ProxyConfig,
    key: String,
    turn: Arc<Semaphore>,
}

impl Shared {
    fn refuse(&self, status: StatusCode, kind: &str, message: &str) -> Response {
        (status, axum::Json(error_body(self.config.protocol, kind, message))).into_response()
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let given = headers.get("x-api-key").map(HeaderValue::as_bytes).or(bearer).unwrap_or_default();
        given.ct_eq(self.key.as_bytes()).into()
    }
}

async fn complete(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.knows(&headers) {
        return shared.refuse(StatusCode::UNAUTHORIZED, "authentication_error", "the key is not the one of this run");
    }
    let config = &shared.config;
    let checked = match request::check(config.protocol, &config.model, &body) {
        Ok(body) => body,
        Err(refused) => return shared.refuse(StatusCode::BAD_REQUEST, "invalid_request_error", &refused.to_string()),
    };
    let waiting = tokio::time::timeout(QUEUE_LIMIT, Arc::clone(&shared.turn).acquire_owned()).await;
    let Ok(Ok(turn)) = waiting else {
        return shared.refuse(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "another model call is still running");
    };
    let mut call = match config.meter.begin(body.len() as u64) {
        Ok(call) => call,
        Err(limit) => return shared.refuse(StatusCode::FORBIDDEN, "billing_error", &out_of_budget(&limit)),
    };
    match config.upstream.open(&model_request(checked, &headers), config.retry).await {
        Ok(events) => {
            call.answered();
            let stream = pass_on(shared, events, call, turn);
            let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
            (headers, Body::from_stream(stream)).into_response()
        }
        Err(error) => {
            config.meter.failed(&error.to_string());
            provider_failure(&shared, &error)
        }
    }
}

fn model_request(body: serde_json::Value, headers: &HeaderMap) -> ModelRequest {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    ModelRequest {
        body,
        version: header("anthropic-version").map(str::to_owned),
        betas: header("anthropic-beta").map(request::allowed_betas).unwrap_or_default(),
    }
}

/// Pi does not repeat a call whose error speaks of a budget.
fn out_of_budget(limit: &str) -> String {
    format!("this run is out of budget: {limit}. Stop working; what is done so far is kept.")
}

fn provider_failure(shared: &Shared, error: &UpstreamError) -> Response {
    let status = error.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    let kind = match status.as_u16() {
        401 | 403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    shared.refuse(status, kind, &error.to_string())
}

/// Hands on event by event, counting; ends the answer with an error when the budget is reached or the provider breaks.
fn pass_on(
    shared: Arc<Shared>,
    mut events: EventStream,
    mut call: Call,
    turn: OwnedSemaphorePermit,
) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    async_stream::stream! {
        let _turn = turn;
        let protocol = shared.config.protocol;
        let mut counter = Counter::new(protocol);
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    let message = format!("the model provider's answer broke off: {error}");
                    shared.config.meter.failed(&message);
                    yield Ok(error_event(protocol, "api_error", &message).encode());
                    break;
                }
            };
            let facts = counter.read(&event);
            if facts.is_error {
                shared.config.meter.failed(&event.data);
            }
            if let Some(limit) = call.add(facts.tokens, facts.output_bytes) {
                yield Ok(error_event(protocol, "billing_error", &out_of_budget(&limit)).encode());
                break;
            }
            yield Ok(event.encode());
        }
        drop(call);
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;

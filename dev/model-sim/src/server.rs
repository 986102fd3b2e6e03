//! The server: its configuration, its routes, its start and end.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::exchange::{self, Incoming};
use crate::protocol::{ApiError, Protocol};
use crate::recorder::{Recorded, Recorder};
use crate::registry::{RegisterError, Registry, ScriptStatus};
use crate::{anthropic, control, openai};

/// The largest request that Anthropic accepts, in bytes.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How long a stop waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the server is set up.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The one provider key that clients must send.
    pub api_key: String,
    /// The models that are listed. A request may name any.
    pub models: Vec<String>,
    /// How many requests are kept for tests to read.
    pub max_recorded: usize,
    /// Tells the time.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: "model-sim-key".to_owned(),
            models: vec!["scripted-model".to_owned()],
            max_recorded: 10_000,
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("bind", &self.bind).field("models", &self.models).finish_non_exhaustive()
    }
}

/// What all requests share.
pub(crate) struct App {
    config: Config,
    registry: Mutex<Registry>,
    recorder: Mutex<Recorder>,
    stop: CancellationToken,
}

/// Takes a lock. A panic elsewhere cannot leave this state half changed: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    /// Records a request and returns its number.
    pub(crate) fn recorder_push(&self, request: Recorded) -> u64 {
        lock(&self.recorder).push(request)
    }

    pub(crate) fn recorded(&self, script: Option<&str>) -> Vec<Recorded> {
        lock(&self.recorder).list(script)
    }

    pub(crate) fn clear_recorded(&self) {
        lock(&self.recorder).clear();
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.config.api_key
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.clock)()
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }
}

/// A running server. Dropping it stops it without waiting.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    task: JoinHandle<io::Result<()>>,
    stop: DropGuard,
}

/// Starts the server.
///
/// # Errors
/// When the address cannot be bound.
pub async fn start(config: Config) -> io::Result<Running> {
    let listener = TcpListener::bind(config.bind).await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let app = Arc::new(App {
        registry: Mutex::default(),
        recorder: Mutex::new(Recorder::new(config.max_recorded)),
        stop: stop.clone(),
        config,
    });
    let serve = axum::serve(listener, router(app.clone())).with_graceful_shutdown(stop.clone().cancelled_owned());
    tracing::debug!(%address, "the model simulator listens");
    Ok(Running { address, app, task: tokio::spawn(serve.into_future()), stop: stop.drop_guard() })
}

impl Running {
    /// `http://127.0.0.1:PORT`: the base URL of Anthropic clients. OpenAI clients take this plus `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Registers a script, or replaces the one under this key and starts it anew. `marker` is the string that stands
    /// in its prompts and in no other script's.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub fn register(&self, key: &str, marker: &str, jsonl: &str) -> Result<ScriptStatus, RegisterError> {
        self.app.registry().register(key, marker, jsonl)
    }

    /// How far a script is.
    pub fn status(&self, key: &str) -> Option<ScriptStatus> {
        self.app.registry().status(key)
    }

    /// The recorded requests of one script, or all, oldest first.
    pub fn requests(&self, script: Option<&str>) -> Vec<Recorded> {
        self.app.recorded(script)
    }

    /// Stops: stalled streams break, other answers get two seconds to end.
    pub async fn shutdown(self) {
        let Self { mut task, stop, .. } = self;
        drop(stop);
        if tokio::time::timeout(GRACE, &mut task).await.is_err() {
            tracing::debug!("a client kept its connection busy; it is left behind");
            task.abort();
        }
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(count_tokens))
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/models", get(models))
        .route("/v1/models/{id}", get(model))
        .merge(control::router())
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(app)
}

type Body = Result<Bytes, BytesRejection>;

async fn messages(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let incoming = Incoming { protocol: Protocol::Anthropic, path: uri.path().to_owned(), headers, body };
    exchange::converse(app, incoming).await
}

async fn chat_completions(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let incoming = Incoming { protocol: Protocol::OpenAi, path: uri.path().to_owned(), headers, body };
    exchange::converse(app, incoming).await
}

async fn count_tokens(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let incoming = Incoming { protocol: Protocol::Anthropic, path: uri.path().to_owned(), headers, body };
    exchange::count_tokens(&app, &incoming)
}

/// The protocol that a client of a shared path speaks.
fn protocol_of(headers: &HeaderMap) -> Protocol {
    let anthropic = headers.contains_key("anthropic-version") || headers.contains_key("x-api-key");
    if anthropic { Protocol::Anthropic } else { Protocol::OpenAi }
}

fn check(app: &App, protocol: Protocol, headers: &HeaderMap) -> Result<(), ApiError> {
    match protocol {
        Protocol::Anthropic => anthropic::check_headers(headers, app.api_key()),
        Protocol::OpenAi => openai::check_headers(headers, app.api_key()),
    }
}

async fn models(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let protocol = protocol_of(&headers);
    if let Err(error) = check(&app, protocol, &headers) {
        return exchange::error_response(protocol, &error, "req_models");
    }
    let models = &app.config.models;
    Json(match protocol {
        Protocol::Anthropic => anthropic::models(models, &Timestamp::UNIX_EPOCH.to_string()),
        Protocol::OpenAi => openai::models(models, 0),
    })
    .into_response()
}

async fn model(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let protocol = protocol_of(&headers);
    let found = check(&app, protocol, &headers).and_then(|()| {
        let known = app.config.models.contains(&id);
        known.then_some(()).ok_or_else(|| ApiError::new(404, format!("model: {id}")))
    });
    match (found, protocol) {
        (Err(error), _) => exchange::error_response(protocol, &error, "req_models"),
        (Ok(()), Protocol::Anthropic) => {
            Json(anthropic::model(&id, &Timestamp::UNIX_EPOCH.to_string())).into_response()
        }
        (Ok(()), Protocol::OpenAi) => Json(openai::model(&id, 0)).into_response(),
    }
}

async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    let error = ApiError::new(404, format!("Not found: {}", uri.path()));
    exchange::error_response(protocol_of(&headers), &error, "req_not_found")
}

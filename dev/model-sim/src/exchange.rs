//! One request and its answer: check, choose a line, record, wait, answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Json, extract::rejection::BytesRejection};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::protocol::{ApiError, Ask, Frame, Protocol};
use crate::recorder::{self, Recorded};
use crate::registry::Turn;
use crate::reply::Reply;
use crate::script::{Consumer, Line};
use crate::server::App;
use crate::{anthropic, openai};

/// How long a connection that is about to be cut may flush what it was given.
const FLUSH: Duration = Duration::from_millis(20);

/// A request that came in.
pub(crate) struct Incoming {
    pub(crate) protocol: Protocol,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, BytesRejection>,
}

/// Answers a request for a message.
pub(crate) async fn converse(app: Arc<App>, incoming: Incoming) -> Response {
    let (body, read) = read(&app, &incoming);
    let decided = read.and_then(|ask| {
        let taken = app.registry().take(&ask);
        taken.map(|turn| (ask.clone(), turn)).map_err(|refusal| Failure {
            script: refusal.script().map(str::to_owned),
            consumer: Some(ask.consumer),
            error: ApiError::new(400, refusal.to_string()),
        })
    });
    let record = record(&app, &incoming, body, &decided);
    let request_id = format!("req_{:024}", app.recorder_push(record));
    let response = match decided {
        Ok((ask, turn)) => answer(&app, incoming.protocol, &ask, &turn, &request_id).await,
        Err(failure) => error_response(incoming.protocol, &failure.error, &request_id),
    };
    with_request_id(incoming.protocol, response, &request_id)
}

/// Answers a request to count tokens (Anthropic only). It consumes nothing.
pub(crate) fn count_tokens(app: &App, incoming: &Incoming) -> Response {
    let (_, body) = body(incoming);
    let counted = anthropic::check_headers(&incoming.headers, app.api_key())
        .and(body)
        .and_then(|body| anthropic::count_tokens(&body));
    match counted {
        Ok(count) => Json(serde_json::json!({"input_tokens": count})).into_response(),
        Err(error) => error_response(incoming.protocol, &error, "req_count_tokens"),
    }
}

/// A request that no line answers.
struct Failure {
    script: Option<String>,
    consumer: Option<Consumer>,
    error: ApiError,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { script: None, consumer: None, error }
    }
}

/// The body as it is recorded, and what it asks.
fn read(app: &App, incoming: &Incoming) -> (Value, Result<Ask, Failure>) {
    let (recorded, body) = body(incoming);
    let checked = match incoming.protocol {
        Protocol::Anthropic => anthropic::check_headers(&incoming.headers, app.api_key()),
        Protocol::OpenAi => openai::check_headers(&incoming.headers, app.api_key()),
    };
    let ask = checked.and(body).and_then(|body| match incoming.protocol {
        Protocol::Anthropic => anthropic::read(&body),
        Protocol::OpenAi => openai::read(&body),
    });
    (recorded, ask.map_err(Failure::from))
}

/// The body as it is recorded, and as JSON.
fn body(incoming: &Incoming) -> (Value, Result<Value, ApiError>) {
    match &incoming.body {
        Err(rejection) => {
            let error = ApiError::new(rejection.status().as_u16(), rejection.body_text());
            (Value::Null, Err(error))
        }
        Ok(bytes) => match serde_json::from_slice::<Value>(bytes) {
            Ok(body) => (body.clone(), Ok(body)),
            Err(error) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                (Value::String(text), Err(ApiError::new(400, format!("The request body is not valid JSON: {error}"))))
            }
        },
    }
}

fn record(app: &App, incoming: &Incoming, body: Value, decided: &Result<(Ask, Turn), Failure>) -> Recorded {
    let mut record = Recorded {
        seq: 0,
        at: app.now(),
        protocol: incoming.protocol,
        path: incoming.path.clone(),
        status: 200,
        error: None,
        script: None,
        consumer: None,
        line: None,
        retry: false,
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        headers: recorder::headers(&incoming.headers),
        body,
    };
    match decided {
        Ok((ask, turn)) => {
            record.status = turn.line.line.status;
            record.error =
                turn.line.line.is_error().then(|| scripted_error(incoming.protocol, &turn.line.line).message);
            record.script = Some(turn.key.clone());
            record.consumer = Some(ask.consumer);
            record.line = Some(turn.line.number);
            record.retry = turn.retry;
        }
        Err(failure) => {
            record.status = failure.error.status;
            record.error = Some(failure.error.message.clone());
            record.script.clone_from(&failure.script);
            record.consumer = failure.consumer;
        }
    }
    record
}

async fn answer(app: &App, protocol: Protocol, ask: &Ask, turn: &Turn, request_id: &str) -> Response {
    let line = &turn.line.line;
    let stop = app.stopping();
    if line.delay_ms > 0 {
        // A server that stops does not wait; its client sees the answer early or a closed connection.
        stop.run_until_cancelled(tokio::time::sleep(Duration::from_millis(line.delay_ms))).await;
    }
    if line.is_error() {
        let mut response = error_response(protocol, &scripted_error(protocol, line), request_id);
        for (name, value) in &line.headers {
            // Both were checked when the script was read.
            if let (Ok(name), Ok(value)) = (axum::http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        return response;
    }
    let reply = Reply::new(turn, ask);
    let created = app.now().as_second();
    if ask.stream {
        let frames = match protocol {
            Protocol::Anthropic => anthropic::frames(&reply),
            Protocol::OpenAi => openai::frames(&reply, created, ask.include_usage),
        };
        return stream_response(frames, Ending::of(line), stop);
    }
    let body = match protocol {
        Protocol::Anthropic => anthropic::message(&reply),
        Protocol::OpenAi => openai::completion(&reply, created),
    };
    match Ending::of(line) {
        Ending::Whole => Json(body).into_response(),
        ending => broken_body(body.to_string(), ending, stop),
    }
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    Stall,
    Cut,
}

impl Ending {
    fn of(line: &Line) -> Self {
        match line {
            Line { stall: true, .. } => Self::Stall,
            Line { cut: true, .. } => Self::Cut,
            _ => Self::Whole,
        }
    }

    /// Waits until the connection shall break. Until it does, the transport sends what it has.
    async fn wait(self, stop: CancellationToken) -> io::Error {
        if self == Self::Stall {
            stop.cancelled().await;
        } else {
            tokio::time::sleep(FLUSH).await;
        }
        io::Error::new(io::ErrorKind::ConnectionAborted, "the script breaks the connection here")
    }
}

fn stream_response(mut frames: Vec<Frame>, ending: Ending, stop: CancellationToken) -> Response {
    if ending != Ending::Whole {
        frames.truncate(frames.len().div_ceil(2));
    }
    let events = stream::iter(frames).map(|frame| {
        let event = Event::default().data(frame.data);
        Ok::<_, io::Error>(if let Some(name) = frame.event { event.event(name) } else { event })
    });
    match ending {
        Ending::Whole => Sse::new(events).into_response(),
        Ending::Stall | Ending::Cut => {
            Sse::new(events.chain(stream::once(async move { Err(ending.wait(stop).await) }))).into_response()
        }
    }
}

fn broken_body(mut body: String, ending: Ending, stop: CancellationToken) -> Response {
    let half = body.floor_char_boundary(body.len() / 2);
    body.truncate(half);
    let chunks = stream::once(async { Ok(body) }).chain(stream::once(async move { Err(ending.wait(stop).await) }));
    ([("content-type", "application/json")], axum::body::Body::from_stream(chunks)).into_response()
}

fn scripted_error(protocol: Protocol, line: &Line) -> ApiError {
    let text = line.text();
    let default = match protocol {
        Protocol::Anthropic => anthropic::default_message(line.status),
        Protocol::OpenAi => openai::default_message(line.status),
    };
    ApiError::new(line.status, if text.is_empty() { default } else { &text })
}

/// An error in the protocol's shape.
pub(crate) fn error_response(protocol: Protocol, error: &ApiError, request_id: &str) -> Response {
    let body = match protocol {
        Protocol::Anthropic => anthropic::error_body(error, request_id),
        Protocol::OpenAi => openai::error_body(error),
    };
    (error.status_code(), Json(body)).into_response()
}

fn with_request_id(protocol: Protocol, mut response: Response, id: &str) -> Response {
    let name = match protocol {
        Protocol::Anthropic => "request-id",
        Protocol::OpenAi => "x-request-id",
    };
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(name, id);
    }
    response
}

//! The real SDK client against a server that speaks Bedrock's event stream.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use futures::TryStreamExt;

use super::*;
use crate::proxy::retry::RetryPolicy;
use crate::proxy::upstream::Upstream;

type Answers = Arc<Mutex<Vec<Response>>>;
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

fn frame(kind: &str, name: &str, payload: String) -> Vec<u8> {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let (type_header, message_type) = match kind {
        "event" => (":event-type", "event"),
        _ => (":exception-type", "exception"),
    };
    let message = Message::new(payload)
        .add_header(header(":message-type", message_type))
        .add_header(header(type_header, name))
        .add_header(header(":content-type", "application/json"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn chunk(event: &Value) -> Vec<u8> {
    let bytes = base64::engine::general_purpose::STANDARD.encode(event.to_string());
    frame("event", "chunk", json!({"bytes": bytes}).to_string())
}

fn stream(frames: &[Vec<u8>]) -> Response {
    ([("content-type", "application/vnd.amazon.eventstream")], frames.concat()).into_response()
}

async fn invoke(State((answers, asked)): State<(Answers, Asked)>, Path(model): Path<String>, body: String) -> Response {
    asked.lock().unwrap().push((model, serde_json::from_str(&body).unwrap()));
    answers.lock().unwrap().remove(0)
}

async fn upstream(answers: Vec<Response>) -> (Upstream, Asked) {
    let asked = Asked::default();
    let state = (Arc::new(Mutex::new(answers)), Arc::clone(&asked));
    let routes = Router::new().route("/model/{model}/invoke-with-response-stream", post(invoke)).with_state(state);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .retry_config(aws_sdk_bedrockruntime::config::retry::RetryConfig::disabled())
        .build();
    (Upstream::Bedrock(BedrockUpstream::new(Client::from_conf(config), "eu.claude-1:0".to_owned())), asked)
}

fn request() -> ModelRequest {
    let body = json!({"model": "m", "stream": true, "max_tokens": 5, "messages": []});
    ModelRequest { body, version: None, betas: vec!["x-1".to_owned()] }
}

fn policy() -> RetryPolicy {
    let pause = Duration::from_millis(1);
    RetryPolicy { repeats: 1, first_pause: pause, longest_pause: pause }
}

#[tokio::test]
async fn chunks_are_events_of_the_messages_api() {
    let events = [json!({"type": "message_start", "message": {}}), json!({"type": "message_stop"})];
    let (upstream, asked) = upstream(vec![stream(&events.each_ref().map(chunk))]).await;
    let found: Vec<SseEvent> = upstream.open(&request(), policy()).await.unwrap().try_collect().await.unwrap();
    let names: Vec<_> = found.iter().map(|event| event.event.as_deref().unwrap_or_default()).collect();
    assert_eq!(names, ["message_start", "message_stop"]);
    assert_eq!(serde_json::from_str::<Value>(&found[0].data).unwrap(), events[0]);
    let body =
        json!({"max_tokens": 5, "messages": [], "anthropic_version": BEDROCK_VERSION, "anthropic_beta": ["x-1"]});
    assert_eq!(asked.lock().unwrap().as_slice(), [("eu.claude-1:0".to_owned(), body)]);
}

#[tokio::test]
async fn throttling_is_repeated_and_a_refusal_is_not() {
    let error = |status: u16, kind: &'static str| {
        let headers = [("x-amzn-errortype", kind), ("content-type", "application/json")];
        (StatusCode::from_u16(status).unwrap(), headers, r#"{"message":"because"}"#).into_response()
    };
    let (first, asked) = upstream(vec![error(429, "ThrottlingException"), stream(&[])]).await;
    assert!(first.open(&request(), policy()).await.is_ok());
    assert_eq!(asked.lock().unwrap().len(), 2);
    let (second, asked) = upstream(vec![error(403, "AccessDeniedException")]).await;
    let Err(refused) = second.open(&request(), policy()).await else { panic!("it was let in") };
    assert_eq!((refused.status, refused.message.as_str()), (Some(403), "AccessDeniedException: because"));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_exception_in_the_stream_is_told() {
    let broken = frame("exception", "throttlingException", json!({"message": "too fast"}).to_string());
    let (upstream, _) = upstream(vec![stream(&[chunk(&json!({"type": "ping"})), broken])]).await;
    let mut events = upstream.open(&request(), policy()).await.unwrap();
    assert!(events.next().await.unwrap().is_ok());
    let error = events.next().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("too fast"), "{error}");
    assert!(events.next().await.is_none());
}

#[test]
fn what_is_not_an_event_is_left_out() {
    assert_eq!(event(b"nonsense"), None);
    assert_eq!(event(b"{}"), None);
}

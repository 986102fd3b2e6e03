//! Servers that do what the scripted model never does: broken answers, and Bedrock.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod common;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use common::{KEY, model, read_file, settings, soon};
use domain::task::Provider;
use models::{Arguments, Conversation, ModelError, Stop, ToolResult, Turn};
use serde_json::{Value, json};

/// Answers every request in the same way and keeps the bodies.
#[derive(Clone)]
struct Canned {
    answer: Arc<dyn Fn(usize) -> (StatusCode, &'static str, String) + Send + Sync>,
    seen: Arc<Mutex<Vec<Value>>>,
}

async fn answer(State(canned): State<Canned>, body: String) -> impl IntoResponse {
    let number = {
        let mut seen = canned.seen.lock().unwrap();
        seen.push(serde_json::from_str(&body).unwrap());
        seen.len()
    };
    let (status, content_type, body) = (canned.answer)(number);
    (status, [("content-type", content_type)], body)
}

async fn serve(
    answer_with: impl Fn(usize) -> (StatusCode, &'static str, String) + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<Value>>>) {
    let canned = Canned { answer: Arc::new(answer_with), seen: Arc::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = canned.seen.clone();
    let router = Router::new().fallback(answer).with_state(canned);
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, seen)
}

fn conversation() -> Conversation {
    Conversation::new("system", vec![read_file()], "user")
}

#[tokio::test]
async fn a_tool_call_that_was_cut_off_arrives_and_goes_back_as_an_object() {
    let chunk = |delta: Value, finish: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
    };
    let call = json!({"role": "assistant", "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\": \"sr"}}]});
    let stream = [chunk(call, Value::Null), chunk(json!({}), json!("length")), "data: [DONE]\n\n".to_owned()].concat();
    let (url, seen) = serve(move |_| (StatusCode::OK, "text/event-stream", stream.clone())).await;
    let model = model(Provider::Openai, &url, KEY, settings());
    let mut conversation = conversation();
    let reply = model.turn(&conversation, soon()).await.unwrap();
    assert_eq!(reply.stop, Stop::MaxTokens);
    assert_eq!(reply.tool_calls()[0].arguments, Arguments::Malformed("{\"path\": \"sr".to_owned()));
    assert!(
        reply.usage.input_tokens > 0 && reply.usage.output_tokens > 0,
        "a provider that counts nothing is estimated"
    );
    conversation.push(Turn::Model(reply.turn));
    conversation.push(Turn::Tools(vec![ToolResult {
        call_id: "call_1".to_owned(),
        name: "read_file".to_owned(),
        content: "cut off".to_owned(),
        is_error: true,
    }]));
    model.turn(&conversation, soon()).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[1].pointer("/messages/2/tool_calls/0/function/arguments"), Some(&json!("{}")));
    assert_eq!(seen[0]["stream"], json!(true));
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_and_not_a_panic() {
    let (url, seen) = serve(|_| (StatusCode::OK, "text/html", "<html>maintenance</html>".to_owned())).await;
    for provider in [Provider::Anthropic, Provider::Openai] {
        let error = model(provider, &url, KEY, settings()).turn(&conversation(), soon()).await.unwrap_err();
        assert!(matches!(error, ModelError::Disconnected(_) | ModelError::Unreadable(_)), "{error:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 8);
    let (url, _) = serve(|_| (StatusCode::OK, "text/event-stream", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n".to_owned())).await;
    let error = model(Provider::Anthropic, &url, KEY, settings()).turn(&conversation(), soon()).await.unwrap_err();
    assert_eq!(error, ModelError::Unavailable { status: 200, retry_after: None, message: "Overloaded".to_owned() });
}

fn converse(content: &Value, stop: &str) -> String {
    json!({
        "metrics": {"latencyMs": 1},
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": {"inputTokens": 100, "outputTokens": 10, "totalTokens": 160, "cacheReadInputTokens": 40, "cacheWriteInputTokens": 10},
    })
    .to_string()
}

#[tokio::test]
async fn bedrock_converses() {
    let first = converse(
        &json!([
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
            {"text": "Let me look."},
            {"toolUse": {"toolUseId": "t1", "name": "read_file", "input": {"path": "a.js"}}},
        ]),
        "tool_use",
    );
    let second = converse(&json!([{"text": "Done."}]), "end_turn");
    let (url, seen) = serve(move |number| {
        (StatusCode::OK, "application/json", if number == 1 { first.clone() } else { second.clone() })
    })
    .await;
    let model = model(Provider::Bedrock, &url, KEY, settings());
    let mut conversation = conversation();
    let reply = model.turn(&conversation, soon()).await.unwrap();
    assert_eq!((reply.text(), &reply.stop), ("Let me look.", &Stop::ToolUse));
    let path = json!({"path": "a.js"});
    assert_eq!(reply.tool_calls()[0].arguments, Arguments::Object(path.as_object().unwrap().clone()));
    let usage = reply.usage;
    assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (110, 40, 10));
    conversation.push(Turn::Model(reply.turn.clone()));
    conversation.push(Turn::Tools(vec![ToolResult {
        call_id: "t1".to_owned(),
        name: "read_file".to_owned(),
        content: "no such file".to_owned(),
        is_error: true,
    }]));
    conversation.push(Turn::User("Hurry.".to_owned()));
    assert_eq!(model.turn(&conversation, soon()).await.unwrap().stop, Stop::EndTurn);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0]["system"], json!([{"text": "system"}]));
    assert_eq!(seen[0]["inferenceConfig"], json!({"maxTokens": 16_000}));
    assert_eq!(seen[0].pointer("/toolConfig/tools/0/toolSpec/inputSchema/json"), Some(&read_file().schema));
    let roles: Vec<_> = seen[1]["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"], "tool results and the user's words are one message");
    assert_eq!(seen[1].pointer("/messages/1/content/0/reasoningContent/reasoningText/signature"), Some(&json!("sig")));
    assert_eq!(seen[1].pointer("/messages/2/content/0/toolResult/status"), Some(&json!("error")));
    assert_eq!(seen[1].pointer("/messages/2/content/2/cachePoint/type"), Some(&json!("default")));
}

#[tokio::test]
async fn bedrock_errors_fall_into_the_same_classes() {
    for (status, code, calls) in [
        (429, "ThrottlingException", 4),
        (503, "ServiceUnavailableException", 4),
        (400, "ValidationException", 1),
        (403, "AccessDeniedException", 1),
    ] {
        let body = json!({"message": "because", "__type": code}).to_string();
        let (url, seen) =
            serve(move |_| (StatusCode::from_u16(status).unwrap(), "application/json", body.clone())).await;
        let error = model(Provider::Bedrock, &url, KEY, settings()).turn(&conversation(), soon()).await.unwrap_err();
        assert_eq!(seen.lock().unwrap().len(), calls, "{code}");
        assert_eq!(error.is_retryable(), calls > 1, "{error:?}");
        assert!(error.to_string().contains("because"), "{error}");
    }
}

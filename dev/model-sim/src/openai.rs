//! The OpenAI Chat Completions protocol.

mod request;
mod stream;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::protocol::ApiError;
use crate::reply::{Reply, ReplyBlock, Usage};
use crate::script::Stop;

pub use request::read;
pub use stream::frames;

/// Checks the key.
///
/// # Errors
/// 401 without a key or with a wrong one.
pub fn check_headers(headers: &HeaderMap, api_key: &str) -> Result<(), ApiError> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Err(ApiError::new(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY).",
        )),
        Some(key) if key != api_key => Err(ApiError::new(401, "Incorrect API key provided.")),
        Some(_) => Ok(()),
    }
}

/// The body of an error.
pub fn error_body(error: &ApiError) -> Value {
    let (kind, code) = match error.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        status if status >= 500 => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    json!({"error": {"message": error.message, "type": kind, "param": error.param, "code": code}})
}

/// The words that go with a status when the script has none.
pub fn default_message(status: u16) -> &'static str {
    match status {
        401 => "Incorrect API key provided.",
        403 => "You are not allowed to use this resource.",
        404 => "The requested resource was not found.",
        429 => "Rate limit reached for requests. Please try again later.",
        503 => "The engine is currently overloaded, please try again later",
        status if status >= 500 => "The server had an error while processing your request. Sorry about that!",
        _ => "The request was rejected.",
    }
}

/// A whole answer. `created` is in Unix seconds.
pub fn completion(reply: &Reply, created: i64) -> Value {
    let mut body = envelope(reply, created, "chat.completion");
    let text: String = reply.blocks.iter().filter_map(text).collect();
    let calls: Vec<_> = calls(reply).map(|(id, name, arguments)| call(&id, name, &arguments)).collect();
    let refused = reply.stop == Stop::Refusal;
    let mut message = json!({
        "role": "assistant",
        "content": (!text.is_empty() && !refused).then_some(&text),
        "refusal": refused.then_some(&text),
        "annotations": [],
    });
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(reply.stop)});
    body.insert("choices".into(), json!([choice]));
    body.insert("usage".into(), usage(reply.usage));
    Value::Object(body)
}

/// The list of models. `created` is in Unix seconds.
pub fn models(ids: &[String], created: i64) -> Value {
    let data: Vec<_> = ids.iter().map(|id| model(id, created)).collect();
    json!({"object": "list", "data": data})
}

/// One model.
pub fn model(id: &str, created: i64) -> Value {
    json!({"id": id, "object": "model", "created": created, "owned_by": "model-sim"})
}

fn envelope(reply: &Reply, created: i64, object: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), json!(format!("chatcmpl-{}", reply.id)));
    body.insert("object".into(), json!(object));
    body.insert("created".into(), json!(created));
    body.insert("model".into(), json!(reply.model));
    body.insert("service_tier".into(), json!("default"));
    body.insert("system_fingerprint".into(), json!("fp_model_sim"));
    body
}

fn text(block: &ReplyBlock) -> Option<&str> {
    if let ReplyBlock::Text(text) = block { Some(text) } else { None }
}

/// The tool calls of an answer: id, name, arguments as JSON text.
fn calls(reply: &Reply) -> impl Iterator<Item = (String, &str, String)> {
    reply.blocks.iter().filter_map(|block| match block {
        ReplyBlock::Text(_) => None,
        ReplyBlock::Tool { id, name, input } => Some((format!("call_{id}"), name.as_str(), json!(input).to_string())),
    })
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.all_input(),
        "completion_tokens": usage.output,
        "total_tokens": usage.all_input() + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        },
    })
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        // A refusal is a message like another.
        Stop::EndTurn | Stop::Refusal => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::MaxTokens => "length",
    }
}

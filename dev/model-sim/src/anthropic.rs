//! The Anthropic Messages protocol.

mod request;
mod stream;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::protocol::ApiError;
use crate::reply::{Reply, ReplyBlock, Usage};
use crate::script::Stop;

pub use request::{count_tokens, read};
pub use stream::frames;

/// Checks the key and the version header.
///
/// # Errors
/// 401 without a key or with a wrong one, 400 without the version.
pub fn check_headers(headers: &HeaderMap, api_key: &str) -> Result<(), ApiError> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    match header("x-api-key").or(bearer) {
        None => return Err(ApiError::new(401, "x-api-key header is required")),
        Some(key) if key != api_key => return Err(ApiError::new(401, "invalid x-api-key")),
        Some(_) => {}
    }
    if header("anthropic-version").is_none() {
        return Err(ApiError::new(400, "anthropic-version: header is required"));
    }
    Ok(())
}

/// The body of an error.
pub fn error_body(error: &ApiError, request_id: &str) -> Value {
    let kind = match error.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        status if status >= 500 => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": error.message}, "request_id": request_id})
}

/// The words that go with a status when the script has none.
pub fn default_message(status: u16) -> &'static str {
    match status {
        401 => "invalid x-api-key",
        403 => "Your API key does not have permission to use the specified resource.",
        404 => "The requested resource could not be found.",
        413 => "Request exceeds the maximum size",
        429 => "This request would exceed your organization's rate limit. Please try again later.",
        529 => "Overloaded",
        status if status >= 500 => "Internal server error",
        _ => "The request was rejected.",
    }
}

/// A whole answer.
pub fn message(reply: &Reply) -> Value {
    let mut message = envelope(reply);
    message.insert("content".into(), reply.blocks.iter().map(block).collect());
    message.insert("stop_reason".into(), json!(stop_reason(reply.stop)));
    message.insert("usage".into(), usage(reply.usage, reply.usage.output));
    Value::Object(message)
}

/// The list of models.
pub fn models(ids: &[String], created_at: &str) -> Value {
    let data: Vec<_> = ids.iter().map(|id| model(id, created_at)).collect();
    json!({"data": data, "has_more": false, "first_id": ids.first(), "last_id": ids.last()})
}

/// One model.
pub fn model(id: &str, created_at: &str) -> Value {
    json!({"type": "model", "id": id, "display_name": id, "created_at": created_at})
}

/// A message without content: what `message_start` carries.
fn envelope(reply: &Reply) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("id".into(), json!(format!("msg_{}", reply.id)));
    message.insert("type".into(), json!("message"));
    message.insert("role".into(), json!("assistant"));
    message.insert("model".into(), json!(reply.model));
    message.insert("content".into(), json!([]));
    message.insert("stop_reason".into(), Value::Null);
    message.insert("stop_sequence".into(), Value::Null);
    message.insert("usage".into(), usage(reply.usage, reply.usage.output.min(1)));
    message
}

fn block(block: &ReplyBlock) -> Value {
    match block {
        ReplyBlock::Text(text) => json!({"type": "text", "text": text}),
        ReplyBlock::Tool { id, name, input } => {
            json!({"type": "tool_use", "id": tool_id(id), "name": name, "input": input})
        }
    }
}

fn tool_id(id: &str) -> String {
    format!("toolu_{id}")
}

fn usage(usage: Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": output,
    })
}

fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "end_turn",
        Stop::ToolUse => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::Refusal => "refusal",
    }
}

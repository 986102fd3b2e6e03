//! The two protocols between Pi and the proxy, as far as counting and refusing need them.

use domain::task::Provider;
use serde_json::{Value, json};

use super::meter::CallTokens;
use super::sse::SseEvent;

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Anthropic Messages; Bedrock's Claude models too.
    Anthropic,
    /// OpenAI Chat Completions.
    Openai,
}

impl From<Provider> for Protocol {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Bedrock | Provider::Anthropic => Self::Anthropic,
            Provider::Openai => Self::Openai,
        }
    }
}

/// What one event says about the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// The provider's count up to here, in an event that reports one.
    pub tokens: Option<CallTokens>,
    /// Bytes of generated text.
    pub output_bytes: u64,
    /// Whether the provider reports a failure.
    pub is_error: bool,
}

/// Follows the counts through one answer.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    protocol: Protocol,
    tokens: Option<CallTokens>,
}

impl Counter {
    /// For one answer.
    pub const fn new(protocol: Protocol) -> Self {
        Self { protocol, tokens: None }
    }

    /// Reads one event. What is not understood counts as nothing.
    pub fn read(&mut self, event: &SseEvent) -> EventFacts {
        let Ok(value) = serde_json::from_str::<Value>(&event.data) else { return EventFacts::default() };
        match self.protocol {
            Protocol::Anthropic => self.anthropic(&value),
            Protocol::Openai => Self::openai(&value),
        }
    }

    fn anthropic(&mut self, value: &Value) -> EventFacts {
        let usage = match value["type"].as_str() {
            Some("message_start") => &value["message"]["usage"],
            _ => &value["usage"],
        };
        let reports = usage.is_object();
        if reports {
            let tokens = self.tokens.get_or_insert_default();
            // Later events repeat only some counts, each of them cumulative.
            let written = usage["cache_creation_input_tokens"].as_u64();
            if let Some(input) = usage["input_tokens"].as_u64() {
                tokens.input = tokens.input.max(input + written.unwrap_or(0));
            }
            tokens.cached_input = tokens.cached_input.max(usage["cache_read_input_tokens"].as_u64().unwrap_or(0));
            tokens.output = tokens.output.max(usage["output_tokens"].as_u64().unwrap_or(0));
        }
        EventFacts {
            tokens: self.tokens.filter(|_| reports),
            output_bytes: text_bytes(&value["delta"]),
            is_error: value["type"] == "error",
        }
    }

    fn openai(value: &Value) -> EventFacts {
        let usage = &value["usage"];
        let tokens = usage["prompt_tokens"].as_u64().map(|prompt| {
            let cached_input = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0);
            let output = usage["completion_tokens"].as_u64().unwrap_or(0);
            CallTokens { input: prompt.saturating_sub(cached_input), cached_input, output }
        });
        let deltas = value["choices"].as_array().into_iter().flatten();
        EventFacts {
            tokens,
            output_bytes: deltas.map(|choice| text_bytes(&choice["delta"])).sum(),
            is_error: value["error"].is_object(),
        }
    }
}

/// Bytes of all texts in a piece of an answer.
fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(fields) => {
            let is_content = |name: &str| !matches!(name, "type" | "role" | "id" | "stop_reason");
            fields.iter().filter(|(name, _)| is_content(name)).map(|(_, field)| text_bytes(field)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// An error in the provider's form.
pub fn error_body(protocol: Protocol, kind: &str, message: &str) -> Value {
    match protocol {
        Protocol::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
        Protocol::Openai => json!({"error": {"type": kind, "code": kind, "message": message}}),
    }
}

/// An error as the last event of an answer that has begun.
pub fn error_event(protocol: Protocol, kind: &str, message: &str) -> SseEvent {
    let event = match protocol {
        Protocol::Anthropic => Some("error".to_owned()),
        Protocol::Openai => None,
    };
    SseEvent { event, data: error_body(protocol, kind, message).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counter: &mut Counter, data: &str) -> EventFacts {
        counter.read(&SseEvent { event: None, data: data.to_owned() })
    }

    fn tokens(input: u64, cached_input: u64, output: u64) -> CallTokens {
        CallTokens { input, cached_input, output }
    }

    #[test]
    fn anthropic_counts_are_followed() {
        let mut counter = Counter::new(Protocol::Anthropic);
        let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1}}}"#;
        assert_eq!(read(&mut counter, start).tokens, Some(tokens(15, 7, 1)));
        let delta = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"hello"}}"#;
        assert_eq!(read(&mut counter, delta).output_bytes, 5);
        let tool = r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#;
        assert_eq!(read(&mut counter, tool).output_bytes, 2);
        let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":20}}"#;
        assert_eq!(
            read(&mut counter, end),
            EventFacts { tokens: Some(tokens(15, 7, 20)), output_bytes: 0, is_error: false }
        );
        assert!(read(&mut counter, r#"{"type":"error","error":{"type":"overloaded_error"}}"#).is_error);
    }

    #[test]
    fn openai_counts_are_followed() {
        let mut counter = Counter::new(Protocol::Openai);
        let delta = r#"{"choices":[{"delta":{"role":"assistant","content":"hi","tool_calls":[{"function":{"arguments":"{}"}}]}}],"usage":null}"#;
        assert_eq!(read(&mut counter, delta), EventFacts { tokens: None, output_bytes: 4, is_error: false });
        let end = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}"#;
        assert_eq!(read(&mut counter, end).tokens, Some(tokens(6, 4, 3)));
        assert_eq!(read(&mut counter, "[DONE]"), EventFacts::default());
        assert!(read(&mut counter, r#"{"error":{"message":"x"}}"#).is_error);
    }
}

//! What the two wire protocols have in common.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::script::Consumer;
use crate::text;

/// A provider's wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    OpenAi,
}

/// A valid request, as far as the script cares.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The model id of the request, which the answer repeats.
    pub model: String,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with token counts (OpenAI only; Anthropic always sends them).
    pub include_usage: bool,
    /// Who asks.
    pub consumer: Consumer,
    /// The system prompt and the messages up to the first of the user.
    pub opening: String,
    /// The messages after that.
    pub rest: String,
    /// The size of everything that a model would read, in characters.
    pub chars: usize,
    /// SHA-256 of the conversation (system prompt and messages), in hex: equal for a retry.
    pub digest: String,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            model: String::new(),
            stream: false,
            include_usage: false,
            consumer: Consumer::Code,
            opening: String::new(),
            rest: String::new(),
            chars: 0,
            digest: String::new(),
        }
    }
}

impl Ask {
    /// Reads a request's conversation: `system` (what stands outside the messages), `messages` and `tools`.
    pub(crate) fn read(body: &Value, tools: &[&str]) -> Self {
        let none = Value::Null;
        let part = |name: &str| body.get(name).unwrap_or(&none);
        let messages = part("messages").as_array().map_or(&[][..], Vec::as_slice);
        let is_user = |message: &Value| message.get("role").and_then(Value::as_str) == Some("user");
        let first_user = messages.iter().position(is_user).map_or(messages.len(), |at| at + 1);
        let (mut opening, mut rest, mut tool_text) = (String::new(), String::new(), String::new());
        text::collect(part("system"), &mut opening);
        messages[..first_user].iter().for_each(|message| text::collect(message, &mut opening));
        messages[first_user..].iter().for_each(|message| text::collect(message, &mut rest));
        text::collect(part("tools"), &mut tool_text);
        let mut hash = Sha256::new();
        hash.update(part("system").to_string());
        hash.update([0]);
        hash.update(part("messages").to_string());
        Self {
            model: part("model").as_str().unwrap_or_default().to_owned(),
            stream: part("stream").as_bool().unwrap_or(false),
            include_usage: body.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or(false),
            consumer: Consumer::of_tools(tools.iter().copied()),
            chars: opening.chars().count() + rest.chars().count() + tool_text.chars().count(),
            opening,
            rest,
            digest: hex::encode(hash.finalize()),
        }
    }
}

/// An error that a provider would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status. Anthropic's "overloaded" is 529, which no standard names.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// The request's field that is wrong, where one is.
    pub param: Option<String>,
}

impl ApiError {
    /// An error with a status.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None }
    }

    /// A request that breaks the protocol.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: Some(param.to_owned()) }
    }

    /// The HTTP status; 500 if it is out of range.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's name; OpenAI's events have none.
    pub event: Option<&'static str>,
    /// The data.
    pub data: String,
}

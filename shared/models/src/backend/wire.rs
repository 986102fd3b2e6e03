//! Anthropic Messages and OpenAI Chat Completions, by `genai`, streamed.
//!
//! Streaming is used for two reasons: a provider that falls silent is noticed after seconds instead of at the end of
//! our time, and a tool call that was cut off at the output limit arrives as it is instead of failing the answer.

use std::time::Duration;

use futures::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{
    CacheControl, ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, ContentPart, MessageContent, MessageOptions,
    StopReason, StreamEnd, Tool, ToolResponse,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Answer, Ask, Native};
use crate::conversation::{Arguments, Conversation, ModelTurn, ToolCall, Turn};
use crate::error::{ModelError, shorten};
use crate::reply::{Stop, Tokens};

/// Which of the two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Anthropic,
    OpenAi,
}

/// An endpoint that speaks one of them.
pub(crate) struct Wire {
    pub(crate) client: genai::Client,
    pub(crate) protocol: Protocol,
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) key: SecretString,
}

impl Wire {
    pub(crate) async fn call(&self, ask: Ask<'_>) -> Result<Answer, ModelError> {
        self.stream(ask).await.map_err(|error| error.without(self.key.expose_secret()))
    }

    async fn stream(&self, ask: Ask<'_>) -> Result<Answer, ModelError> {
        let options = ChatOptions::default()
            .with_max_tokens(ask.max_output_tokens)
            .with_capture_content(true)
            .with_capture_tool_calls(true)
            .with_capture_reasoning_content(true)
            .with_capture_usage(true);
        let request = request(ask.conversation, self.protocol);
        let mut stream =
            self.client.exec_chat_stream(self.target(), request, Some(&options)).await.map_err(read_error)?.stream;
        loop {
            let event = tokio::time::timeout(ask.silence, stream.next()).await;
            match event.map_err(|_| ModelError::Silent(ask.silence))? {
                Some(Ok(ChatStreamEvent::End(end))) => return Ok(answer(end)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(read_error(error)),
                None => return Err(ModelError::Disconnected("it ended before the answer did".to_owned())),
            }
        }
    }

    fn target(&self) -> ServiceTarget {
        let adapter = match self.protocol {
            Protocol::Anthropic => AdapterKind::Anthropic,
            Protocol::OpenAi => AdapterKind::OpenAI,
        };
        ServiceTarget {
            endpoint: Endpoint::from_owned(endpoint(&self.base_url, self.protocol)),
            auth: AuthData::from_single(self.key.expose_secret()),
            model: ModelIden::new(adapter, self.model.clone()),
        }
    }
}

/// The folder that the protocol's paths are appended to. As every client of Anthropic's API takes it, a base URL of
/// theirs has no `/v1`, while one of OpenAI's has.
fn endpoint(base_url: &str, protocol: Protocol) -> String {
    let base_url = base_url.trim_end_matches('/');
    match protocol {
        Protocol::Anthropic if !base_url.ends_with("/v1") => format!("{base_url}/v1/"),
        Protocol::Anthropic | Protocol::OpenAi => format!("{base_url}/"),
    }
}

fn request(conversation: &Conversation, protocol: Protocol) -> ChatRequest {
    let mut messages: Vec<ChatMessage> = conversation.turns.iter().filter_map(message).collect();
    // The whole conversation up to here can be read from the cache by the next call. OpenAI caches by itself.
    if protocol == Protocol::Anthropic
        && let Some(last) = messages.last_mut()
    {
        last.options = Some(MessageOptions::from(CacheControl::Ephemeral));
    }
    let mut request = ChatRequest::from_messages(messages).with_system(&conversation.system);
    if !conversation.tools.is_empty() {
        request = request.with_tools(conversation.tools.iter().map(|tool| {
            Tool::new(tool.name.clone()).with_description(tool.description.clone()).with_schema(tool.schema.clone())
        }));
    }
    request
}

/// A turn as a message; none for a model's turn in which it said nothing: no protocol takes an empty message.
fn message(turn: &Turn) -> Option<ChatMessage> {
    match turn {
        Turn::User(text) => Some(ChatMessage::user(text.as_str())),
        Turn::Model(turn) => {
            let content = match &turn.native {
                Some(Native::Wire(content)) => content.clone(),
                _ => content_of(turn),
            };
            (!content.is_empty()).then(|| ChatMessage::assistant(content))
        }
        Turn::Tools(results) => {
            let responses = results
                .iter()
                .map(|result| ToolResponse::new(&result.call_id, &result.content).with_fn_name(&result.name))
                .collect();
            Some(ChatMessage::tool(MessageContent::from_tool_responses(responses)))
        }
    }
}

fn content_of(turn: &ModelTurn) -> MessageContent {
    let mut content = MessageContent::default();
    if !turn.text.trim().is_empty() {
        content.push(ContentPart::from_text(&turn.text));
    }
    content.extended(turn.tool_calls.iter().map(|call| {
        ContentPart::ToolCall(genai::chat::ToolCall {
            call_id: call.id.clone(),
            fn_name: call.name.clone(),
            fn_arguments: call.arguments.echo(),
            thought_signatures: None,
        })
    }))
}

fn answer(end: StreamEnd) -> Answer {
    let content = end.captured_content.unwrap_or_default();
    let text = content.joined_texts().unwrap_or_default();
    let tool_calls: Vec<ToolCall> = content
        .tool_calls()
        .into_iter()
        .map(|call| ToolCall {
            id: call.call_id.clone(),
            name: call.fn_name.clone(),
            arguments: Arguments::read(call.fn_arguments.clone()),
        })
        .collect();
    let stop = match end.captured_stop_reason {
        Some(StopReason::MaxTokens(_)) => Stop::MaxTokens,
        Some(StopReason::ContentFilter(_)) => Stop::Refused,
        Some(StopReason::Other(reason)) => Stop::Other(shorten(&reason)),
        _ if !tool_calls.is_empty() => Stop::ToolUse,
        _ => Stop::EndTurn,
    };
    let native = Some(Native::Wire(replayable(content)));
    Answer { turn: ModelTurn { text, tool_calls, native }, tokens: end.captured_usage.as_ref().and_then(tokens), stop }
}

/// The content in the form in which it may go back.
fn replayable(content: MessageContent) -> MessageContent {
    let parts = content.into_parts().into_iter().filter_map(|part| match part {
        ContentPart::Text(text) if text.trim().is_empty() => None,
        ContentPart::ToolCall(mut call) => {
            call.fn_arguments = Arguments::read(call.fn_arguments).echo();
            Some(ContentPart::ToolCall(call))
        }
        other => Some(other),
    });
    MessageContent::from_parts(parts.collect::<Vec<_>>())
}

fn tokens(usage: &genai::chat::Usage) -> Option<Tokens> {
    let count = |tokens: Option<i32>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
    let cached = count(usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens));
    let input = count(usage.prompt_tokens).saturating_sub(cached);
    let output = count(usage.completion_tokens);
    (input + cached + output > 0).then_some(Tokens { input, cached, output })
}

fn read_error(error: genai::Error) -> ModelError {
    use genai::Error;
    match error {
        Error::HttpError { status, body, headers, .. } => {
            ModelError::from_status(status.as_u16(), retry_after(&headers), &provider_message(&body))
        }
        Error::WebStream { error, .. } => match error.downcast::<Error>() {
            Ok(inner) => read_error(*inner),
            Err(other) => ModelError::Disconnected(connection_message(other.as_ref())),
        },
        Error::ChatResponse { body, .. } => broke_off(&body),
        Error::StreamParse { serde_error, .. } => ModelError::Unreadable(serde_error.to_string()),
        Error::SerdeJson(error) => ModelError::Unreadable(error.to_string()),
        Error::JsonValueExt(error) => ModelError::Unreadable(shorten(&error.to_string())),
        // What is left concerns the request's own form; its text may repeat the request.
        _ => ModelError::Misconfigured("the request could not be built; check the base URL and the model".to_owned()),
    }
}

/// An error that came as an event in the middle of an answer.
fn broke_off(body: &serde_json::Value) -> ModelError {
    let error = body.get("error").unwrap_or(body);
    let message = error.get("message").and_then(|text| text.as_str()).unwrap_or("no reason given");
    match error.get("type").and_then(|kind| kind.as_str()).unwrap_or_default() {
        "rate_limit_error" => ModelError::from_status(429, None, message),
        "invalid_request_error" => ModelError::from_status(400, None, message),
        _ => ModelError::Unavailable { status: 200, retry_after: None, message: shorten(message) },
    }
}

/// Both protocols put their words under `error.message`; anything else is repeated as it is.
fn provider_message(body: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = json.as_ref().and_then(|json| json.pointer("/error/message")).and_then(|text| text.as_str());
    shorten(message.unwrap_or(body))
}

/// The innermost reason: the outer layers only say that something failed while sending.
fn connection_message(error: &(dyn std::error::Error + 'static)) -> String {
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    shorten(&reason.to_string())
}

/// Seconds or milliseconds. The header's other form, a date, is not used by model providers.
fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_taken_as_the_providers_write_them() {
        for (given, protocol, expected) in [
            ("https://api.anthropic.com", Protocol::Anthropic, "https://api.anthropic.com/v1/"),
            ("https://api.anthropic.com/v1/", Protocol::Anthropic, "https://api.anthropic.com/v1/"),
            ("https://api.openai.com/v1", Protocol::OpenAi, "https://api.openai.com/v1/"),
            ("http://127.0.0.1:1/x/", Protocol::OpenAi, "http://127.0.0.1:1/x/"),
        ] {
            assert_eq!(endpoint(given, protocol), expected);
        }
    }

    #[test]
    fn retry_after_is_read_in_both_units() {
        let headers = |name: &'static str, value: &'static str| {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(headers("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(headers("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        for bad in ["-1", "soon", "", "NaN", "1e99"] {
            assert_eq!(headers("retry-after", bad), None, "{bad}");
        }
    }

    #[test]
    fn an_empty_turn_is_not_sent() {
        let mut conversation = Conversation::new("s", Vec::new(), "u");
        conversation.push(Turn::Model(ModelTurn::new(" \n", Vec::new())));
        conversation.push(Turn::User("again".to_owned()));
        assert_eq!(request(&conversation, Protocol::OpenAi).messages.len(), 2);
    }
}

//! Pi's RPC protocol: JSON records, one per line, on standard input and output (Pi 0.87).
//!
//! Only what the supervisor uses is decoded; records that it does not know, or that have another shape than expected,
//! become [`Record::Other`], because a newer Pi must not stop a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest record that is decoded, in bytes. `agent_end` repeats the whole conversation.
pub const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// A command to Pi.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Start working on a message.
    Prompt {
        /// The message.
        message: String,
    },
    /// Stop the current work; answered when Pi is idle.
    Abort,
    /// Ask for the session's file and model.
    GetState,
    /// Ask for the commands that extensions registered.
    GetCommands,
}

impl Command {
    /// The record for this command with a correlation id, with its LF.
    pub fn to_line(&self, id: &str) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        struct WithId<'a> {
            id: &'a str,
            #[serde(flatten)]
            command: &'a Command,
        }
        let mut line = serde_json::to_vec(&WithId { id, command: self })?;
        line.push(b'\n');
        Ok(line)
    }
}

/// A record from Pi.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The answer to a command.
    Response(Response),
    /// A turn (one model response and its tool calls) began.
    TurnStart,
    /// A piece of text from the model.
    TextDelta(String),
    /// A message of the model is complete.
    AssistantMessage(AssistantMessage),
    /// A tool began.
    ToolStart(ToolStart),
    /// A tool ended.
    ToolEnd(ToolEnd),
    /// Pi will ask the model again after a failure.
    RetryScheduled {
        /// Which attempt comes next, from 1.
        attempt: u32,
        /// The failure.
        error: String,
    },
    /// The conversation is being shortened.
    CompactionStart,
    /// Pi will not go on by itself.
    Settled,
    /// An extension's handler threw.
    ExtensionError(String),
    /// A sign of life without content of interest.
    Other(String),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Response {
    /// The command's correlation id; absent when Pi could not read the command.
    #[serde(default)]
    pub id: Option<String>,
    /// Whether Pi accepted the command.
    pub success: bool,
    /// Why not.
    #[serde(default)]
    pub error: Option<String>,
    /// What was asked for.
    #[serde(default)]
    pub data: Value,
}

/// A complete message of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssistantMessage {
    /// Its text blocks, joined.
    pub text: String,
    /// `stop`, `toolUse`, `length`, `error`, `aborted`, …
    pub stop_reason: String,
    /// The provider's failure, when `stop_reason` is `error`.
    pub error: Option<String>,
}

/// A tool call that begins.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolStart {
    /// Correlates with the end.
    pub tool_call_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
}

/// A tool call that ended.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolEnd {
    /// Correlates with the start.
    pub tool_call_id: String,
    /// The tool.
    pub tool_name: String,
    /// Whether it failed or was blocked.
    #[serde(default)]
    pub is_error: bool,
    /// What the model was told.
    #[serde(default)]
    pub result: ToolResult,
}

/// What a tool answered.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ToolResult {
    /// The content blocks that the model sees.
    #[serde(default)]
    content: Vec<ContentBlock>,
    /// The tool's own structured answer.
    #[serde(default)]
    pub details: Value,
}

impl ToolResult {
    /// Its text blocks, joined.
    pub fn text(&self) -> String {
        join_text(&self.content)
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct ContentBlock {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

fn join_text(blocks: &[ContentBlock]) -> String {
    let texts: Vec<&str> = blocks.iter().filter(|b| b.kind == "text").map(|b| b.text.as_str()).collect();
    texts.join("\n")
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct MessageEnd {
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    stop_reason: String,
    #[serde(default, rename = "errorMessage")]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageUpdate {
    assistant_message_event: UpdateEvent,
}

#[derive(Deserialize)]
struct UpdateEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    delta: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryStart {
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    error_message: String,
}

#[derive(Deserialize)]
struct ExtensionError {
    #[serde(default)]
    error: String,
}

/// Decodes one line.
///
/// # Errors
/// The line is not a JSON object with a `type`. Everything else is tolerated.
pub fn decode(line: &[u8]) -> Result<Record, serde_json::Error> {
    // A list of one text would be taken for a structure with one field.
    if line.trim_ascii_start().first() == Some(&b'[') {
        return Err(serde::de::Error::custom("a record is an object"));
    }
    let Tag { kind } = serde_json::from_slice(line)?;
    Ok(decode_kind(&kind, line).unwrap_or(Record::Other(kind)))
}

fn decode_kind(kind: &str, line: &[u8]) -> Option<Record> {
    match kind {
        "response" => parse(line).map(Record::Response),
        "turn_start" => Some(Record::TurnStart),
        "agent_settled" => Some(Record::Settled),
        "compaction_start" => Some(Record::CompactionStart),
        "tool_execution_start" => parse(line).map(Record::ToolStart),
        "tool_execution_end" => parse(line).map(Record::ToolEnd),
        "message_update" => {
            let MessageUpdate { assistant_message_event: event } = parse(line)?;
            (event.kind == "text_delta").then_some(Record::TextDelta(event.delta))
        }
        "message_end" => {
            let MessageEnd { message } = parse(line)?;
            (message.role == "assistant").then(|| {
                let blocks: Vec<ContentBlock> = serde_json::from_value(message.content).unwrap_or_default();
                Record::AssistantMessage(AssistantMessage {
                    text: join_text(&blocks),
                    stop_reason: message.stop_reason,
                    error: message.error,
                })
            })
        }
        "auto_retry_start" => {
            let RetryStart { attempt, error_message } = parse(line)?;
            Some(Record::RetryScheduled { attempt, error: error_message })
        }
        "extension_error" => parse(line).map(|ExtensionError { error }| Record::ExtensionError(error)),
        _ => None,
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commands_carry_their_id() {
        let line = Command::Prompt { message: "a\nb".to_owned() }.to_line("p1").unwrap();
        assert_eq!(line, b"{\"id\":\"p1\",\"type\":\"prompt\",\"message\":\"a\\nb\"}\n");
        assert_eq!(Command::GetState.to_line("s").unwrap(), b"{\"id\":\"s\",\"type\":\"get_state\"}\n");
    }

    #[test]
    fn a_blocked_tool_is_decoded() {
        let line = br#"{"type":"tool_execution_end","toolCallId":"t1","toolName":"write","result":{"content":[{"type":"text","text":"no"}],"details":{}},"isError":true}"#;
        let Record::ToolEnd(end) = decode(line).unwrap() else { panic!("not a tool end") };
        assert!(end.is_error);
        assert_eq!(end.result.text(), "no");
    }

    #[test]
    fn the_models_error_is_decoded() {
        let line = br#"{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"x"}],"stopReason":"error","errorMessage":"529"}}"#;
        let expected =
            AssistantMessage { text: "x".to_owned(), stop_reason: "error".to_owned(), error: Some("529".to_owned()) };
        assert_eq!(decode(line).unwrap(), Record::AssistantMessage(expected));
    }

    #[test]
    fn unknown_and_misshapen_records_are_signs_of_life() {
        for line in [
            r#"{"type":"brand_new","x":1}"#,
            r#"{"type":"tool_execution_end","toolName":7}"#,
            r#"{"type":"message_end"}"#,
        ] {
            assert!(matches!(decode(line.as_bytes()).unwrap(), Record::Other(_)), "{line}");
        }
        assert!(decode(b"warning: not json").is_err());
        assert!(decode(b"[]").is_err());
        assert!(decode(b" [\"turn_start\"]").is_err());
    }

    proptest! {
        #[test]
        fn decoding_never_panics(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(decode(&line));
        }
    }
}

//! What is sent to a model.

use serde_json::{Map, Value};

use crate::backend::Native;

/// A conversation so far. The last turn is ours: the user's words or tool results.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The system prompt.
    pub system: String,
    /// The tools that the model may call.
    pub tools: Vec<ToolDefinition>,
    /// What was said, oldest first.
    pub turns: Vec<Turn>,
}

impl Conversation {
    /// A conversation that begins with the user's words.
    pub fn new(system: impl Into<String>, tools: Vec<ToolDefinition>, user: impl Into<String>) -> Self {
        Self { system: system.into(), tools, turns: vec![Turn::User(user.into())] }
    }

    /// Adds a turn.
    pub fn push(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    /// Number of characters in it: what an estimate of tokens is made from.
    pub(crate) fn chars(&self) -> usize {
        let tools: usize = self.tools.iter().map(|tool| tool.description.len() + tool.schema.to_string().len()).sum();
        let turns: usize = self
            .turns
            .iter()
            .map(|turn| match turn {
                Turn::User(text) => text.len(),
                Turn::Model(turn) => turn.chars(),
                Turn::Tools(results) => results.iter().map(|result| result.content.len()).sum(),
            })
            .sum();
        self.system.len() + tools + turns
    }
}

/// One party's words.
#[derive(Debug, Clone)]
pub enum Turn {
    /// Ours.
    User(String),
    /// The model's.
    Model(ModelTurn),
    /// The answers to all tool calls of the model's turn before.
    Tools(Vec<ToolResult>),
}

/// What a model said.
#[derive(Debug, Clone, Default)]
pub struct ModelTurn {
    /// Its words; empty when it only called tools.
    pub text: String,
    /// The tools it called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// The turn as the provider gave it, with what must go back unchanged (signed reasoning).
    pub(crate) native: Option<Native>,
}

impl ModelTurn {
    /// A turn that no provider gave, such as one of a recorded conversation.
    pub fn new(text: impl Into<String>, tool_calls: Vec<ToolCall>) -> Self {
        Self { text: text.into(), tool_calls, native: None }
    }

    pub(crate) fn chars(&self) -> usize {
        let calls = self.tool_calls.iter().map(|call| call.name.len() + call.arguments.chars());
        self.text.len() + calls.sum::<usize>()
    }
}

/// A model's wish to use a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Ties the result to the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its input, not checked.
    pub arguments: Arguments,
}

/// The input of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments {
    /// A JSON object, not yet checked against the tool's schema.
    Object(Map<String, Value>),
    /// Something else: most often an object that was cut off at the output limit.
    Malformed(String),
}

impl Arguments {
    /// Reads what a provider gave: an object, or nothing for a tool without input.
    pub(crate) fn read(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self::Object(fields),
            Value::Null => Self::Object(Map::new()),
            Value::String(text) if text.trim().is_empty() => Self::Object(Map::new()),
            Value::String(text) => Self::Malformed(text),
            other => Self::Malformed(other.to_string()),
        }
    }

    /// The object that goes back to the provider: protocols have no place for anything else.
    pub(crate) fn echo(&self) -> Value {
        match self {
            Self::Object(fields) => Value::Object(fields.clone()),
            Self::Malformed(_) => Value::Object(Map::new()),
        }
    }

    fn chars(&self) -> usize {
        match self {
            Self::Object(_) => self.echo().to_string().len(),
            Self::Malformed(text) => text.len(),
        }
    }
}

/// The answer to a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub call_id: String,
    /// [`ToolCall::name`].
    pub name: String,
    /// What the tool says, for the model to read.
    pub content: String,
    /// Whether the call failed. Not every protocol has a mark for it, so `content` must say it, too.
    pub is_error: bool,
}

/// A tool as it is described to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON schema of its input: an object.
    pub schema: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_objects_are_arguments() {
        assert_eq!(Arguments::read(json!({"a": 1})).echo(), json!({"a": 1}));
        for nothing in [Value::Null, json!(""), json!("  ")] {
            assert_eq!(Arguments::read(nothing), Arguments::Object(Map::new()));
        }
        let cut = Arguments::read(json!("{\"path\": \"src/a"));
        assert_eq!(cut, Arguments::Malformed("{\"path\": \"src/a".to_owned()));
        assert_eq!(cut.echo(), json!({}));
        assert_eq!(Arguments::read(json!([1])), Arguments::Malformed("[1]".to_owned()));
    }
}

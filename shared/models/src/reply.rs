//! What comes back from a model.

use domain::budget::Usage;

use crate::conversation::{ModelTurn, ToolCall};

/// A model's answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What it said: the next turn of the conversation.
    pub turn: ModelTurn,
    /// What the call cost, priced.
    pub usage: Usage,
    /// Why it ended.
    pub stop: Stop,
}

impl Reply {
    /// Its words.
    pub fn text(&self) -> &str {
        &self.turn.text
    }

    /// The tools it called.
    pub fn tool_calls(&self) -> &[ToolCall] {
        &self.turn.tool_calls
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The model had said what it wanted to say.
    EndTurn,
    /// It waits for tool results.
    ToolUse,
    /// The output limit was reached: the answer may be cut off.
    MaxTokens,
    /// The model or the provider's filter refused to go on.
    Refused,
    /// Another reason, as the provider names it.
    Other(String),
}

/// Token counts of one call, as the provider gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Input without what was read from a cache.
    pub(crate) input: u64,
    /// Input read from a cache.
    pub(crate) cached: u64,
    /// Output, with reasoning.
    pub(crate) output: u64,
}

impl Tokens {
    /// A guess for a provider that counts nothing, so that budgets hold there as well: four characters a token.
    pub(crate) fn estimate(input_chars: usize, output_chars: usize) -> Self {
        let tokens = |chars: usize| u64::try_from(chars.div_ceil(4)).unwrap_or(u64::MAX);
        Self { input: tokens(input_chars), cached: 0, output: tokens(output_chars) }
    }
}

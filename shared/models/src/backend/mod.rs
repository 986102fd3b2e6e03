//! The protocols.

pub(crate) mod bedrock;
pub(crate) mod document;
pub(crate) mod wire;

use std::time::Duration;

use crate::conversation::{Conversation, ModelTurn};
use crate::error::ModelError;
use crate::reply::{Stop, Tokens};

/// A model's turn in the provider's own form.
#[derive(Debug, Clone)]
pub(crate) enum Native {
    /// Of the wire protocols.
    Wire(genai::chat::MessageContent),
    /// Of Bedrock.
    Bedrock(Vec<aws_sdk_bedrockruntime::types::ContentBlock>),
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) conversation: &'a Conversation,
    pub(crate) max_output_tokens: u32,
    pub(crate) silence: Duration,
}

/// An answer before it is priced. `tokens` is absent where the provider counts nothing.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) turn: ModelTurn,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) stop: Stop,
}

/// Where calls go.
pub(crate) enum Backend {
    /// Anthropic Messages or OpenAI Chat Completions.
    Wire(wire::Wire),
    /// Amazon Bedrock.
    Bedrock(bedrock::Bedrock),
}

impl Backend {
    /// Makes one call, without retries.
    pub(crate) async fn call(&self, ask: Ask<'_>) -> Result<Answer, ModelError> {
        match self {
            Self::Wire(wire) => wire.call(ask).await,
            Self::Bedrock(bedrock) => bedrock.call(ask).await,
        }
    }
}

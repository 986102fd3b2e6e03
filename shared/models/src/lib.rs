//! One conversation with tools, whichever provider answers it.
//!
//! [`Model::turn`] sends a [`Conversation`] and returns a [`Reply`]: text, tool calls, what it cost and why it ended.
//! Three protocols are behind it: Anthropic Messages and OpenAI Chat Completions (by the crate `genai`, streamed, so
//! that a silent provider is noticed), and Amazon Bedrock's Converse (by the AWS SDK). What a provider does wrong is
//! a typed [`ModelError`]; what may pass is tried again, within limits, and ends as `ModelUnavailable`.

mod backend;
mod conversation;
mod error;
mod model;
mod reply;
mod retry;

pub use conversation::{Arguments, Conversation, ModelTurn, ToolCall, ToolDefinition, ToolResult, Turn};
pub use error::ModelError;
pub use model::{Connector, Model, Settings};
pub use reply::{Reply, Stop};
pub use retry::RetryPolicy;

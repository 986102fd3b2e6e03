//! Slack, as far as approvals need it: one message per gate, buttons and dialogs on it, and what people press.
//!
//! What the buttons say stands in [`buttons`]. Requests from Slack are signed ([`signature`]) and parsed only then ([`interaction`]); [`Slack`] calls its Web API. The
//! types of messages and dialogs are [`blocks`], from a kept crate.

pub mod buttons;
mod client;
mod error;
pub mod interaction;
pub mod signature;

pub use client::{Message, Posted, Slack, User};
pub use error::SlackError;
pub use slack_morphism::blocks;

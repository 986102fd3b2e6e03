//! The edge: verify a signature over the raw bytes, put the event on the queue, answer. Nothing else.
//!
//! The order is fixed: size, signature, form. Nothing is parsed before its signature was verified, and nothing is
//! answered with success before the queue has the message. This function can reach two secrets and one queue.

mod answer;
mod config;
mod flux_lens;
mod github;
mod handler;
mod keys;
mod queue;
mod signature;

pub use config::{Config, Context, Scheme};
pub use handler::handle;

//! Consumes the inbound queue: every delivery counts once; a ticket is started, updated or cancelled; an event of the
//! code host makes us look at the pull request and, where something is decided there, wake its gate.
//!
//! Poison messages: a batch is answered item by item. An item that fails stays on the queue with a growing delay and,
//! after three receives, goes to the dead-letter queue. One that can never be read goes there the same way.

mod batch;
mod config;
mod execution;
mod host;
mod process;
mod tickets;

pub use batch::handle;
pub use config::{Config, Context};
pub use process::process;

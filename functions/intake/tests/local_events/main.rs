//! Inbound events over DynamoDB, Step Functions and a GitHub.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod cancel;
mod hints;
mod inbox;
mod tickets;

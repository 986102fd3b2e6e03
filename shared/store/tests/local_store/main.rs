//! The store over DynamoDB and S3 of the local engine.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod anchors;
mod audit;
mod console;
mod deliveries;
mod gates;
mod objects;
mod outbox;
mod slack;
mod slots;
mod summaries;
mod tickets;
mod tokens;
mod workflows;

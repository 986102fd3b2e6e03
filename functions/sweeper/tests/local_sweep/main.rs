//! Sweeps over DynamoDB, Step Functions and the functions that a sweep asks.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broom;
mod dead_letters;
mod gates;
mod pulls;
mod workflows;

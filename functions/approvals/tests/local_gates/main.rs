//! Gates over DynamoDB, with executions that wait for them.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock;
mod codes;
mod crash;
mod decide;
mod edit;
mod links;
mod office;
mod open;
mod quorum;

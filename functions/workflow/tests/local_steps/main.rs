//! The state machine's bookkeeping over DynamoDB, S3, a GitHub and executions that wait.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collect;
mod desk;
mod edit;
mod finish;
mod packages;
mod prepare;
mod scope;
mod slots;

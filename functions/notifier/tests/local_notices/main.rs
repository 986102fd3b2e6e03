//! Notices over DynamoDB, S3, SQS, SES, Secrets Manager and a tracker.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod documents;
mod faults;
mod office;
mod once;
mod secrets;
mod slack;
mod told;

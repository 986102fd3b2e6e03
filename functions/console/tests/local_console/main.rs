//! The pages and the API over DynamoDB, S3, Secrets Manager and Invoke.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod cancel;
mod decide;
mod documents;
mod form;
mod home;
mod lists;
mod logs;
mod resume;
mod secrets;
mod sign_in;
mod site;

//! Plannings over DynamoDB, S3, Secrets Manager, a GitHub and both wire protocols of models.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod model;
mod repository;
mod revision;
mod spec;
mod studio;
mod twice;

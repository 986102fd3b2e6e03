//! The steps over DynamoDB, S3, a GitHub with real Git repositories, and `github-auth` as it is deployed.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod close;
mod conflict;
mod crash;
mod desk;
mod github;
mod merge;
mod publish;
mod refused;
mod tokens;

//! Tokens for callers over Lambda's Invoke, with the credential in Secrets Manager and the App at a GitHub.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cached;
mod desk;
mod minted;
mod personal;
mod refused;
mod unseen;

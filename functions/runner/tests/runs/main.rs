//! Whole runs: the real Pi, a scripted model, an object store on loopback.
//!
//! Pi is taken from `PI_TICKETS_NODE` and `PI_TICKETS_PI`, or from where `cargo xtask setup` installs it.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

mod agent;
mod bad_repositories;
mod corpus;
mod packages;
mod program;
mod qa;
mod support;

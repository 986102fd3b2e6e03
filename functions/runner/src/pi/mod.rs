//! The Pi coding agent: starting it locked down and talking to it over its `--mode rpc` protocol.

pub mod home;
pub mod launch;
pub mod lines;
pub mod link;
pub mod prompt;
pub mod rpc;
pub mod session;

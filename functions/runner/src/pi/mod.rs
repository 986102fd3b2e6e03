//! The Pi coding agent: starting it locked down and talking to it over its `--mode rpc` protocol.

pub mod lines;
pub mod rpc;

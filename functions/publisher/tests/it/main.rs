//! Publishing, merging and closing against the simulator, which keeps real Git repositories, with a token that may do
//! no more than the deployed one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod close;
mod crash;
mod merge;
mod publish;
mod world;

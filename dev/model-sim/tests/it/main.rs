//! The simulator over the wire, by a plain HTTP client.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod anthropic;
mod control;
mod faults;
mod openai;
mod world;

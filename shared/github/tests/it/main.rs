//! The client over the wire: against the simulator, which keeps real Git repositories, and against single answers
//! that a well-behaved GitHub would not give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod faults;
mod reads;
mod renewal;
mod world;
mod writes;

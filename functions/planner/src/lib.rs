//! The `planner` function: a ticket and a repository become a SPEC.
//!
//! A model reads the repository at its base commit through three read-only tools over a snapshot in memory, and
//! answers through `submit_spec` or `decline_ticket`. No code of the repository is run, nothing is written to a disk,
//! and the function holds no token that can write. Ticket and repository texts are data: they stand between
//! delimiters that do not occur in them, and whatever the model makes of them ends as a SPEC that a person reads and
//! that is checked against the commit.

mod config;
mod handler;
mod previous;
mod prompt;
mod repository;
mod session;
mod text;
mod tools;

pub use config::{Config, Context};
pub use handler::{RESERVE, handle};

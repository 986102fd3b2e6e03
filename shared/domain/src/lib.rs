//! Types and rules of the ticket workflow.
//!
//! This crate is the centre of the system and depends on none of our other crates. It does no I/O, knows
//! neither AWS nor HTTP, reads no clock and draws no random number: a caller hands in `now` and every id.
//! Everything here is therefore tested without a network.

pub mod audit;
pub mod budget;
pub mod change_set;
pub mod code_host;
pub mod dead_letters;
pub mod diff;
pub mod digest;
pub mod failure;
pub mod gate;
pub mod ids;
pub mod inbound;
pub mod outbox;
pub mod packages;
pub mod path;
pub mod person;
pub mod qa;
pub mod refusal;
pub mod repo_config;
pub mod role;
pub mod secrets;
pub mod signing;
pub mod slot;
pub mod spec;
pub mod state;
pub mod steps;
pub mod task;
pub mod text;
pub mod ticket;
pub mod verify;
pub mod workflow;

pub use digest::Digest;
pub use ids::{
    Attempt, CommitSha, DeliveryId, GateId, Generation, LinkId, Repository, Revision, TicketKey, WorkflowId,
};
pub use jiff::Timestamp;
pub use state::WorkflowState;

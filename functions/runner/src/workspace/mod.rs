//! The tree that the agent works on: unpacking it, giving it a throwaway Git history, and knowing what it was.

pub mod base;
pub mod git;
pub mod hashing;
pub mod open;
pub mod products;
pub mod stamp;
pub mod unpack;

pub use base::{BaseEntry, BaseTree};

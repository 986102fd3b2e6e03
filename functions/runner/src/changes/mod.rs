//! Change sets: finding what an agent changed, packing it, and applying it to a fresh tree.
//!
//! Nothing here runs Git: a tree that an agent could write may hold a repository whose configuration executes code.

pub mod apply;
pub mod archive;
pub mod walk;

pub use apply::apply;
pub use archive::{Archive, ArchiveError};
pub use walk::{ChangeLimits, Changes, find_changes};

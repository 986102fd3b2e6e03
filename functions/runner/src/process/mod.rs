//! Child processes that end completely: with everything that they started.

pub mod capture;
pub mod tree;

pub use capture::Captured;
pub use tree::Tree;

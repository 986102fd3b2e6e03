//! The targets.

pub mod manifest;
pub mod path_guard;
pub mod pi_lines;
pub mod protected_paths;
pub mod signature;

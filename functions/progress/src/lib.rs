//! The `progress` function.

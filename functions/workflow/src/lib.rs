//! The `workflow` function.

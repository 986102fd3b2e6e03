//! The `router` function.

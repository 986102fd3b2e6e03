//! The `intake` function.

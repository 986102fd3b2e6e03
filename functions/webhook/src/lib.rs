//! The `webhook` function.

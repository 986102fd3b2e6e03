//! The `runner` function.

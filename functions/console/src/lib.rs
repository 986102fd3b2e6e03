//! The `console` function.

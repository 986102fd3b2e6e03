//! The `stack` library.

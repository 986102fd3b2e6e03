//! The `models` library.

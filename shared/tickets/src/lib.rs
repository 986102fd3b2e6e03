//! The `tickets` library.

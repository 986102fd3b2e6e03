//! The `domain` library.

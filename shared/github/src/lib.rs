//! The `github` library.

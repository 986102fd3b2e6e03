//! The `runtime` library.

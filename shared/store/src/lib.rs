//! The `store` library.

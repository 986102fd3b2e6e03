//! The `xtask` library.

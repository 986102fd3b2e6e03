//! The `toolchain` library.

//! The `model-sim` library.

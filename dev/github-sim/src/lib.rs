//! The `github-sim` library.

//! The `github-auth` function.

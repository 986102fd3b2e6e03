//! The `github-auth` program.

fn main() {}

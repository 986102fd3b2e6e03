//! The `workflow` program.

fn main() {}

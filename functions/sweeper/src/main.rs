//! The `sweeper` program.

fn main() {}

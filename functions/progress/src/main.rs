//! The `progress` program.

fn main() {}

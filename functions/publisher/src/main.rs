//! The `publisher` program.

fn main() {}

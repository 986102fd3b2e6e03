//! The `intake` program.

fn main() {}

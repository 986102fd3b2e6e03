//! The `webhook` program.

fn main() {}

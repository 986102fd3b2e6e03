//! The `notifier` program.

fn main() {}

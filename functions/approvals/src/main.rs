//! The `approvals` program.

fn main() {}

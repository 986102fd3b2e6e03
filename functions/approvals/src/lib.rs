//! The `approvals` function.

//! The `planner` function.

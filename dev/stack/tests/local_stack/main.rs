//! Whole stacks: every scenario, bad input, two side by side, and their end.

#![expect(clippy::unwrap_used, clippy::format_collect, reason = "tests, also in their helpers")]

mod bad_input;
mod ending;
mod scenarios;
mod side_by_side;
mod world;

//! Whole stacks: every scenario, bad input, two side by side, and their end.

mod bad_input;
mod ending;
mod scenarios;
mod side_by_side;
mod world;

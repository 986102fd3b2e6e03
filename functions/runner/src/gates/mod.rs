//! Quality gates: the repository's own commands on base + change set, compared with the base commit.

pub mod command;
pub mod report;
pub mod run;

pub use command::{CommandRunner, CommandSpec};
pub use run::{GateRun, Trees, run_gates};

//! Quality gates: the repository's own commands on base + change set, compared with the base commit.

pub mod command;
pub mod counts;
pub mod dependencies;
pub mod judge;
pub mod language;
pub mod probe;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod stage;
pub mod tamper;

pub use command::{CommandRunner, CommandSpec};
pub use run::{GateRun, run_gates};
pub use stage::{Overlay, Stage};

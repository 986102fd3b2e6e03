//! The audit trails of a deployment: whether they hold, and a copy of them.
//!
//! Everything is read as it is stored, with the credentials of whoever runs this; nothing is asked of our own functions,
//! so that one that lies is found too. docs/audit.md says what a finding means.

mod cli;
mod keep;
mod report;
mod source;
mod target;

pub use cli::main;
pub use keep::{Kept, keep};
pub use report::{Checked, Report, Verdict};
pub use source::{Selection, check, check_file, export, workflows};
pub use target::Target;

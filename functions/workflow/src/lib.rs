//! The state machine's bookkeeping: who may run, what a run is given, whether what came out of it may be published,
//! and the end of every workflow.
//!
//! This function can neither decide a gate nor publish; it has a read token for one repository at a time.

mod amend_spec;
mod bundle;
mod cancel;
mod collect_qa;
mod collect_run;
mod config;
mod diff;
mod edit_spec;
mod feedback;
mod finish;
mod handler;
mod packages;
mod prepare;
mod report;
mod sandbox;
mod slots;
mod tasks;
mod urls;
mod workspace;

pub use config::{Config, Context};
pub use handler::handle;
pub use packages::{Packages, Repository};
pub use urls::Signer;

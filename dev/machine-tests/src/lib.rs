//! What the tests of the state machine and of the template share.
//!
//! Two sorts of tests stand on it. Those on paper read `statemachine/ticket.asl.json`, `template.yaml` and the
//! functions' sources and compare them with each other and with [`domain::steps`]. Those whose name begins with
//! `local_` run the machine, and deploy the template, on the local AWS engine.

pub mod client;
pub mod machine;
pub mod probe;
pub mod samples;
pub mod template;

use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

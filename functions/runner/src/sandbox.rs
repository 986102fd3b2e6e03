//! Isolation of what the runner starts. Stronger layers (another user, name spaces, Landlock) are further
//! implementations of [`Sandbox`]; which ones are active is recorded in the run's report.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use camino::Utf8Path;
use domain::path::RepoPath;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use tokio::process::Command;

/// A set of isolation layers.
pub trait Sandbox: fmt::Debug + Send + Sync {
    /// The layers' names, for the report.
    fn layers(&self) -> Vec<String>;

    /// Prepares the workspace before the agent starts: only `writable` may be changed, as far as the layers can say so.
    ///
    /// # Errors
    /// A layer cannot be set up; the run must not start.
    fn prepare(&self, workspace: &Utf8Path, writable: &BTreeSet<RepoPath>) -> io::Result<()>;

    /// Adds the layers to a command that is about to be started.
    ///
    /// # Errors
    /// A layer cannot be added; the command must not be started.
    fn decorate(&self, command: &mut Command) -> io::Result<()>;
}

/// What every process can have without privileges: a cleared environment, a process tree that ends as one, no way to
/// gain privileges, no core files, and a supervisor whose memory and environment cannot be read by an equal.
#[derive(Debug, Clone)]
pub struct ProcessSandbox {
    layers: Vec<String>,
}

impl ProcessSandbox {
    /// Without changing the calling process.
    pub fn new() -> Self {
        Self { layers: vec!["cleared-environment".to_owned(), "process-tree".to_owned()] }
    }

    /// Also restricts the calling process, and with it all that it starts. For the program, once, at its start.
    pub fn restrict_this_process() -> Self {
        let mut sandbox = Self::new();
        let restrictions: [(&str, nix::Result<()>); 3] = [
            ("no-new-privileges", prctl::set_no_new_privs()),
            ("undumpable-supervisor", prctl::set_dumpable(false)),
            ("no-core-files", setrlimit(Resource::RLIMIT_CORE, 0, 0)),
        ];
        for (layer, result) in restrictions {
            match result {
                Ok(()) => sandbox.layers.push(layer.to_owned()),
                Err(error) => tracing::warn!(layer, %error, "an isolation layer is not available"),
            }
        }
        sandbox
    }
}

impl Default for ProcessSandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox for ProcessSandbox {
    fn layers(&self) -> Vec<String> {
        self.layers.clone()
    }

    fn prepare(&self, _workspace: &Utf8Path, _writable: &BTreeSet<RepoPath>) -> io::Result<()> {
        Ok(())
    }

    fn decorate(&self, _command: &mut Command) -> io::Result<()> {
        Ok(())
    }
}

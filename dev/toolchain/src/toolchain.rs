//! Where every tool lives.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::component::Component;
use crate::{node, stamp};

/// The tools of one checkout.
#[derive(Debug)]
pub struct Toolchain {
    root: PathBuf,
    system_node: OnceLock<Option<node::Node>>,
}

impl Toolchain {
    /// The tools of the checkout at `root`, the folder of the workspace's `Cargo.toml`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), system_node: OnceLock::new() }
    }

    /// The tools of the checkout that this crate was built from.
    pub fn of_this_checkout() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::at(here.ancestors().nth(2).unwrap_or(here))
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether `component` is installed as its lock file says.
    pub fn is_current(&self, component: Component) -> io::Result<bool> {
        if component == Component::NodeRuntime && self.suitable_system_node().is_some() {
            return Ok(true);
        }
        stamp::is_current(component, &self.root)
    }

    /// The interpreter that has the local AWS engine installed.
    pub fn engine_python(&self) -> PathBuf {
        Component::Engine.witness(&self.root)
    }

    /// The script that starts the local AWS engine.
    pub fn engine_launcher(&self) -> PathBuf {
        self.root.join("dev/python/engine.py")
    }

    /// A program of [`Component::Tools`]: `sam`, `cfn-lint`, `cargo-lambda`, `python-zig`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.tools_bin().join(name)
    }

    /// Schemathesis: a program of [`Component::ApiFuzzer`].
    pub fn api_fuzzer(&self) -> PathBuf {
        Component::ApiFuzzer.folder(&self.root).join("bin/schemathesis")
    }

    /// The folder of the programs of [`Component::Tools`], for the search path of a command that looks for them.
    pub fn tools_bin(&self) -> PathBuf {
        Component::Tools.folder(&self.root).join("bin")
    }

    /// A Node that Pi supports: the system's, or else that of [`Component::NodeRuntime`].
    pub fn node(&self) -> PathBuf {
        match self.suitable_system_node() {
            Some(node) => node.path.clone(),
            None => Component::NodeRuntime.witness(&self.root),
        }
    }

    /// The script to give [`node`](Self::node) to run the Pi agent.
    pub fn pi_entry(&self) -> PathBuf {
        Component::Pi.witness(&self.root)
    }

    /// A command that runs the state machine validator; add `--json-path FILE`.
    pub fn asl_validator(&self) -> Command {
        let script = Component::NodeDev.folder(&self.root).join("asl-validator/dist/bin/asl-validator.js");
        let mut command = Command::new(self.node());
        command.arg(script);
        command
    }

    /// Where installers' output and locks are kept.
    pub(crate) fn work_folder(&self) -> PathBuf {
        self.root.join(".venv")
    }

    pub(crate) fn system_node(&self) -> Option<&node::Node> {
        self.system_node.get_or_init(node::system).as_ref()
    }

    fn suitable_system_node(&self) -> Option<&node::Node> {
        self.system_node().filter(|node| node.version >= node::MINIMUM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_checkout_is_where_the_workspace_manifest_is() {
        let toolchain = Toolchain::of_this_checkout();
        assert!(toolchain.root().join("Cargo.lock").is_file());
        assert!(toolchain.engine_launcher().is_file());
        for component in Component::ALL {
            for input in component.inputs() {
                assert!(toolchain.root().join(input).is_file(), "{input}");
            }
        }
    }
}

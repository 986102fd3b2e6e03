//! Building the programs that a stack runs: every function, the runner, and this program, which contains the sandboxes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::archive;

/// The program of the sandboxes, which no Lambda function runs.
pub(crate) const RUNNER: &str = "runner";
/// This program.
pub(crate) const STACK: &str = "stack";

/// The folder of the built programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds the programs `functions`, the runner and this one. Takes half a second when nothing changed.
    ///
    /// # Errors
    /// When one does not compile; the compiler's messages are then on standard error.
    pub(crate) async fn build(root: &Path, functions: &[String], progress: &ProgressBar) -> Result<Self> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(root).args([
            "build",
            "--workspace",
            "--locked",
            "--message-format=json-render-diagnostics",
        ]);
        for name in functions.iter().map(String::as_str).chain([RUNNER, STACK]) {
            command.args(["--bin", name]);
        }
        // Cargo sets these for programs that it runs itself; inherited they would rebuild the world.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST") || text == "CARGO_CRATE_NAME" {
                command.env_remove(&name);
            }
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("`cargo` could not be started")?;
        let mut compilers = Group(child.id());
        let mut folder = None;
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await.context("reading the output of `cargo build`")? {
                folder = watch(&line, progress).or(folder);
            }
        }
        let status = child.wait().await.context("waiting for `cargo build`")?;
        compilers.disarm();
        ensure!(status.success(), "the programs could not be built ({status}); the compiler's messages are above");
        let folder = folder.context("`cargo build` did not say where it put the programs")?;
        Ok(Self { folder })
    }

    /// The same programs as they are now, in a folder that no build writes to.
    ///
    /// # Errors
    /// When one is missing or the folder cannot be written.
    pub(crate) fn kept(&self, functions: &[String], folder: &Path) -> Result<Self> {
        for name in functions.iter().map(String::as_str).chain([RUNNER, STACK]) {
            archive::keep(&self.path(name), folder)?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where a program is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Ends cargo and the compilers that it started, if they still run.
struct Group(Option<u32>);

impl Group {
    /// The group has ended; its number may soon be another's.
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            // The only failure is that none of them is left.
            killpg(Pid::from_raw(id), Signal::SIGTERM).ok();
        }
    }
}

/// Shows a line of cargo's, and returns the folder if the line is about a program.
fn watch(line: &str, progress: &ProgressBar) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    if message["fresh"] == false {
        progress.enable_steady_tick(Duration::from_millis(120));
        progress.set_message(format!("compiled {}", message["target"]["name"].as_str().unwrap_or_default()));
        progress.inc(1);
    }
    Path::new(message["executable"].as_str()?).parent().map(Path::to_owned)
}

//! Git, as a person would run it.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

/// The tree's repository, with Git's defaults: no configuration of the machine, no watcher of the file system, no cache
/// of untracked files.
pub(crate) struct Git {
    root: Utf8PathBuf,
    home: Utf8PathBuf,
    pub(crate) version: String,
}

impl Git {
    /// Finds Git and refreshes the tree's index.
    pub(crate) fn of(root: &Utf8Path, home: &Utf8Path) -> anyhow::Result<Self> {
        let mut git = Self { root: root.to_owned(), home: home.to_owned(), version: String::new() };
        git.version = String::from_utf8(git.run(&["--version"])?.stdout)?.trim().replace("git version ", "");
        git.run(&["update-index", "--refresh"])?;
        Ok(git)
    }

    /// The time of `git status`, and how many paths it names.
    pub(crate) fn status(&self) -> anyhow::Result<(Duration, usize)> {
        let start = Instant::now();
        let output = self.run(&["status", "--porcelain"])?;
        Ok((start.elapsed(), output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()))
    }

    /// The time of `git diff`.
    pub(crate) fn diff(&self) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.run(&["diff"])?;
        Ok(start.elapsed())
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.root).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.home);
        command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("LC_ALL", "C")]);
        let output = command.output().context("git could not be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`git {}` failed ({}): {said}", args.join(" "), output.status);
        Ok(output)
    }
}

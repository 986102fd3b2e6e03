//! The folder of a stack, which goes when the stack does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::contain::is_alive;

/// Start of the names of folders that belong to one process: `demo-PID-N`.
const OF_A_PROCESS: &str = "demo-";

/// A folder that is removed when this value is dropped, unless it is to be kept.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// Makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make(path: &Path, keep: bool) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path: path.to_owned(), keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            remove(&self.path);
        }
    }
}

fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::debug!(%error, "{} stays", path.display()),
        _ => {}
    }
}

/// The name of the folder of this process's `number`th stack.
pub(crate) fn name(number: u32) -> String {
    format!("{OF_A_PROCESS}{}-{number}", std::process::id())
}

/// Removes the folders of processes that were killed before they could do it.
pub(crate) fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(OF_A_PROCESS)?.split_once('-')?.0.parse().ok());
        // What is marked so was asked to be kept.
        if owner.is_some_and(|owner| !is_alive(owner)) && !entry.path().join(KEPT).exists() {
            remove(&entry.path());
        }
    }
}

/// Marks a folder that is to outlive its process.
const KEPT: &str = "kept";

/// Marks the folder as one to keep.
pub(crate) fn mark_kept(path: &Path) -> io::Result<()> {
    fs::write(path.join(KEPT), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_nobody_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| Folder::make(&parent.path().join(name), true).unwrap();
        // A process id beyond what the system gives out.
        let (stale, kept, ours, other) =
            (make("demo-999999999-1"), make("demo-999999998-1"), make(&name(1)), make("up-x"));
        mark_kept(&kept.path).unwrap();
        remove_stale(parent.path());
        assert!(!stale.path.exists());
        assert!(kept.path.exists() && ours.path.exists() && other.path.exists());
        drop(Folder::make(&ours.path, false).unwrap());
        assert!(!ours.path.exists());
    }
}

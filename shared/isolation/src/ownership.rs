//! Who owns a tree: with root's help the kernel itself keeps every file but the approved ones.
//!
//! Folders are root's and sticky: anybody may make a file in them, nobody may remove or rename another's. Files are
//! root's and read-only, but for the approved ones, which belong to the user of the command.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::policy::Identity;

const ROOT: Identity = Identity { uid: 0, gid: 0 };
const FOLDER_MODE: u32 = 0o1777;

/// Gives a tree to root, and the files in `writable` (relative to `root`; they need not exist) to the user.
/// To be called while nothing of the user runs: it follows names.
///
/// # Errors
/// The caller is not privileged, or the tree cannot be read.
pub fn divide(root: &Path, writable: &BTreeSet<PathBuf>, user: Identity) -> io::Result<()> {
    for entry in WalkDir::new(root).follow_root_links(false) {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_symlink() {
            lchown(entry.path(), Some(0), Some(0))?;
            continue;
        }
        let relative = entry.path().strip_prefix(root).map_err(io::Error::other)?;
        let mode = metadata.mode();
        let (owner, mode) = if metadata.is_dir() {
            (ROOT, FOLDER_MODE)
        } else if writable.contains(relative) {
            (user, (mode & 0o755) | 0o644)
        } else {
            (ROOT, (mode & 0o755) | 0o444)
        };
        // A tree is divided again before every command: what is right already stays untouched.
        if (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777) != (owner.uid, owner.gid, mode) {
            set(entry.path(), owner, mode)?;
        }
    }
    Ok(())
}

/// Gives a folder with all that is in it to the user.
///
/// # Errors
/// The caller is not privileged.
pub fn give(root: &Path, user: Identity) -> io::Result<()> {
    for entry in WalkDir::new(root).follow_root_links(false) {
        lchown(entry?.path(), Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

fn set(path: &Path, owner: Identity, mode: u32) -> io::Result<()> {
    // Ownership first: it takes the bits away that would give the owner's rights to others.
    chown(path, Some(owner.uid), Some(owner.gid))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

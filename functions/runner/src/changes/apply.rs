//! Applying a change set to a fresh base tree.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::change_set::{Change, Manifest, ManifestEntry};
use domain::path::{InvalidPath, RepoPath};

/// Why a change set cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A path is not acceptable.
    #[error("the change set has an unacceptable path")]
    Path(#[from] InvalidPath),
    /// It has an entry that could not be packed, or a content is missing.
    #[error("the change set cannot be applied: `{path}` {reason}")]
    Entry {
        /// The path.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The tree could not be written.
    #[error("`{path}` could not be written")]
    Io {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Applies a change set to the tree at `root`, deletions first. Nothing is written through a symbolic link.
///
/// # Errors
/// See [`ApplyError`]; the tree is then to be thrown away.
pub fn apply(manifest: &Manifest, contents: &BTreeMap<Digest, Vec<u8>>, root: &Utf8Path) -> Result<(), ApplyError> {
    for entry in &manifest.entries {
        let path: RepoPath = entry.path.parse()?;
        match entry.change {
            Change::Deleted => delete(root, &path).map_err(|source| io_error(entry, source))?,
            Change::Rejected { .. } => return Err(refuse(entry, "could not be packed")),
            Change::Written { .. } => {}
        }
    }
    for entry in &manifest.entries {
        if let Change::Written { mode, digest, .. } = entry.change {
            let path: RepoPath = entry.path.parse()?;
            let content = contents.get(&digest).ok_or_else(|| refuse(entry, "has no content"))?;
            write(root, &path, content, mode).map_err(|source| io_error(entry, source))?;
        }
    }
    Ok(())
}

fn refuse(entry: &ManifestEntry, reason: &'static str) -> ApplyError {
    ApplyError::Entry { path: entry.path.escape_debug().take(200).collect(), reason }
}

fn io_error(entry: &ManifestEntry, source: io::Error) -> ApplyError {
    ApplyError::Io { path: entry.path.escape_debug().take(200).collect(), source }
}

fn delete(root: &Utf8Path, path: &RepoPath) -> io::Result<()> {
    let parent = real_parent(root, path, false)?;
    match fs::remove_file(parent.join(path.file_name())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }?;
    // A folder that is empty now does not exist for Git.
    for folder in Utf8Path::new(path.as_str()).ancestors().skip(1).filter(|folder| !folder.as_str().is_empty()) {
        if fs::remove_dir(root.join(folder)).is_err() {
            break;
        }
    }
    Ok(())
}

fn write(root: &Utf8Path, path: &RepoPath, content: &[u8], mode: u32) -> io::Result<()> {
    let target = real_parent(root, path, true)?.join(path.file_name());
    match fs::remove_file(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?.write_all(content)
}

/// The path's folder, each part of it seen to be a real folder.
fn real_parent(root: &Utf8Path, path: &RepoPath, create: bool) -> io::Result<Utf8PathBuf> {
    let mut folder = root.to_owned();
    let parents = Utf8Path::new(path.as_str()).parent().unwrap_or(Utf8Path::new(""));
    for part in parents.components() {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(io::Error::new(io::ErrorKind::NotADirectory, "a parent is not a folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => fs::create_dir(&folder)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folder),
            Err(error) => return Err(error),
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::archive::tests::{changes, origin};
    use crate::changes::archive::{pack, read};
    use crate::changes::{ChangeLimits, find_changes};
    use crate::workspace::unpack::tests::{Item, archive};
    use crate::workspace::unpack::{UnpackLimits, unpack};
    use std::collections::BTreeSet;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn run(root: &Utf8Path, written: &[(&str, &str, u32)], deleted: &[&str]) -> Result<(), ApplyError> {
        let archive = pack(changes(written, deleted), origin()).unwrap();
        let (manifest, contents) = read(&archive.bytes, 1 << 20).unwrap();
        apply(&manifest, &contents, root)
    }

    fn tree() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().join("tree")).unwrap();
        fs::create_dir_all(root.join("src/old")).unwrap();
        fs::write(root.join("src/old/a"), "a").unwrap();
        (folder, root)
    }

    #[test]
    fn files_are_written_and_deleted() {
        let (_folder, root) = tree();
        run(&root, &[("new/x.sh", "x", 0o755), ("src/b", "b", 0o644)], &["src/old/a", "not/there"]).unwrap();
        assert_eq!(fs::read_to_string(root.join("src/b")).unwrap(), "b");
        assert_eq!(fs::metadata(root.join("new/x.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!root.join("src/old").exists());
    }

    #[test]
    fn a_file_can_become_a_folder() {
        let (_folder, root) = tree();
        run(&root, &[("src/old/a/b", "b", 0o644)], &["src/old/a"]).unwrap();
        assert_eq!(fs::read_to_string(root.join("src/old/a/b")).unwrap(), "b");
    }

    #[test]
    fn links_and_escapes_are_refused() {
        let (folder, root) = tree();
        symlink("..", root.join("up")).unwrap();
        symlink("../target", root.join("file-link")).unwrap();
        assert!(matches!(run(&root, &[("up/x", "x", 0o644)], &[]), Err(ApplyError::Io { .. })));
        assert!(matches!(run(&root, &[("../x", "x", 0o644)], &[]), Err(ApplyError::Path(_))));
        assert!(matches!(run(&root, &[(".git/hooks/x", "x", 0o644)], &[]), Err(ApplyError::Path(_))));
        run(&root, &[("file-link", "x", 0o644)], &[]).unwrap();
        assert!(fs::symlink_metadata(root.join("file-link")).unwrap().is_file());
        assert!(!folder.path().join("x").exists() && !folder.path().join("target").exists());
    }

    #[test]
    fn what_was_found_in_one_tree_makes_the_same_tree_elsewhere() {
        let bytes =
            archive(&[Item::File("a", b"1", 0o644), Item::File("d/b", b"2", 0o644), Item::File("c", b"3", 0o644)]);
        let limits = ChangeLimits { file_bytes: 100, total_bytes: 1000, files: 10 };
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| Utf8PathBuf::from_path_buf(folder.path().join(name)).unwrap());
        fs::create_dir_all(&one).unwrap();
        fs::create_dir_all(&two).unwrap();
        let base = unpack(bytes.as_slice(), &one, UnpackLimits::default()).unwrap();
        unpack(bytes.as_slice(), &two, UnpackLimits::default()).unwrap();
        fs::write(one.join("a"), "changed").unwrap();
        fs::remove_dir_all(one.join("d")).unwrap();
        fs::create_dir(one.join("e")).unwrap();
        fs::write(one.join("e/new"), "new").unwrap();
        let packed = pack(find_changes(&one, &base, &BTreeSet::new(), limits).unwrap(), origin()).unwrap();
        let (manifest, contents) = read(&packed.bytes, 1 << 20).unwrap();
        apply(&manifest, &contents, &two).unwrap();
        assert_eq!(
            find_changes(&two, &base, &BTreeSet::new(), limits).unwrap(),
            find_changes(&one, &base, &BTreeSet::new(), limits).unwrap()
        );
    }
}

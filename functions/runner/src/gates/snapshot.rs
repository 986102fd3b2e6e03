//! A folder as it was at one moment, and the way back to it.
//!
//! Commands run in place, because setup may have stored the folder's own path in it. What they leave behind is
//! found by walking, not by what they say: a file is untouched if mode, owner and [`Stamp`] are as they were. Where the file
//! system may not notice a write ([`notices_mapped_writes`]), its content is compared too. All else is taken from a copy that no
//! command can reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;

use crate::workspace::hashing::HashingReader;
use crate::workspace::stamp::{Stamp, notices_mapped_writes};

/// Longest tick of the clock that file systems take their times from.
const CLOCK_TICK: Duration = Duration::from_millis(20);

/// What tells a touched path from an untouched one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    kind: Kind,
    mode: u32,
    owner: u32,
    /// Which file it is, and when it was last changed; a folder's changes with what is in it.
    stamp: Option<Stamp>,
    /// Of a file's bytes, where the times do not tell enough.
    digest: Option<Digest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
    Special,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Special,
        };
        let stamp = (kind != Kind::Folder).then(|| Stamp::from(metadata));
        Self { kind, mode: metadata.mode() & 0o7777, owner: metadata.uid(), stamp, digest: None }
    }
}

/// What tells whether a file is what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Times,
    /// Its content too.
    Contents,
}

/// A folder's state, to which it can be brought back.
#[derive(Debug)]
pub struct Snapshot {
    folder: Utf8PathBuf,
    copy: Utf8PathBuf,
    kept: BTreeMap<PathBuf, State>,
    trust: Trust,
    /// The states at the last [`Snapshot::settle`].
    settled: BTreeMap<PathBuf, State>,
}

impl Snapshot {
    /// Copies `folder` to `copy`, which must not exist and is open to its owner alone.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub fn take(folder: &Utf8Path, copy: &Utf8Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(copy)?;
        let trust = if notices_mapped_writes(fs::File::open(folder)?) { Trust::Times } else { Trust::Contents };
        Self::take_with(folder, copy, trust)
    }

    fn take_with(folder: &Utf8Path, copy: &Utf8Path, trust: Trust) -> io::Result<Self> {
        let kept = walk(folder, trust)?;
        for (path, state) in &kept {
            place(folder.as_std_path(), copy.as_std_path(), path, *state)?;
        }
        let settled = kept.clone();
        Ok(Self { folder: folder.to_owned(), copy: copy.to_owned(), kept, trust, settled })
    }

    /// Where the copy is.
    pub fn copy(&self) -> &Utf8Path {
        &self.copy
    }

    /// Takes what is there now as what a command finds, and is not to change.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn settle(&mut self) -> io::Result<()> {
        self.settled = walk(&self.folder, self.trust)?;
        let newest = self.settled.values().filter_map(|state| state.stamp?.changed_at()).max();
        // A change within the same tick of the file system's clock would not be seen. What runs next waits it out.
        if let Some(age) = newest.and_then(|newest| newest.elapsed().ok())
            && age < CLOCK_TICK
        {
            std::thread::sleep(CLOCK_TICK.saturating_sub(age));
        }
        Ok(())
    }

    /// What is different from the last [`Snapshot::settle`], of what was there then.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn touched(&self) -> io::Result<Vec<PathBuf>> {
        let now = walk(&self.folder, self.trust)?;
        Ok(self
            .settled
            .iter()
            .filter(|(path, state)| now.get(*path) != Some(state))
            .map(|(path, _)| path.clone())
            .collect())
    }

    /// Brings the folder back to its state; [`Snapshot::settle`] is due afterwards. `replaced` are paths that somebody
    /// wrote or deleted between state and the last one. Nothing else may write to the folder meanwhile.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub fn restore(&mut self, replaced: &BTreeSet<PathBuf>) -> io::Result<()> {
        let now = walk(&self.folder, self.trust)?;
        let root = self.folder.as_std_path();
        let untouched = |path: &PathBuf, state: &State| {
            !replaced.contains(path) && self.settled.get(path) == Some(state) && now.get(path) == Some(state)
        };
        let mut removed: Option<&PathBuf> = None;
        for (path, state) in &now {
            if removed.is_some_and(|folder| path.starts_with(folder)) {
                continue;
            }
            let stays = self.kept.get(path).is_some_and(|kept| match kept.kind {
                Kind::Folder => state.kind == Kind::Folder,
                kind => kind == state.kind && untouched(path, state),
            });
            if !stays {
                remove(&root.join(path), state.kind)?;
                removed = Some(path);
            }
        }
        for (path, state) in &self.kept {
            if fs::symlink_metadata(root.join(path)).is_err() {
                place(self.copy.as_std_path(), root, path, *state)?;
            }
        }
        Ok(())
    }
}

/// Every path below a folder, folders before what is in them. Links are not followed; other file systems' mounts are
/// not expected here.
fn walk(folder: impl AsRef<Path>, trust: Trust) -> io::Result<BTreeMap<PathBuf, State>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.as_ref().join(&relative);
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        let listed = |path: &Path| fs::read_dir(path)?.collect::<io::Result<Vec<_>>>();
        let entries = match listed(&path) {
            Err(error) if denied(&error) => {
                fs::set_permissions(&path, Permissions::from_mode(0o700))?;
                listed(&path)?
            }
            entries => entries?,
        };
        for entry in entries {
            let relative = relative.join(entry.file_name());
            let mut state = State::of(&entry.metadata()?);
            if trust == Trust::Contents && state.kind == Kind::File {
                state.digest = Some(digest(&entry.path())?);
            }
            if state.kind == Kind::Folder {
                open.push(relative.clone());
            }
            found.insert(relative, state);
        }
    }
    Ok(found)
}

/// Of a file that nobody writes to. One that its owner may not read is opened to him first, which is a change of it.
fn digest(path: &Path) -> io::Result<Digest> {
    let open = || fs::File::open(path);
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            open()?
        }
        file => file?,
    };
    let mut content = HashingReader::new(file);
    io::copy(&mut content, &mut io::sink())?;
    Ok(content.digest())
}

fn remove(path: &Path, kind: Kind) -> io::Result<()> {
    if kind != Kind::Folder {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // The walk opens folders that are closed.
            walk(path, Trust::Times)?;
            fs::remove_dir_all(path)
        }
        result => result,
    }
}

/// Copies one path; its folder is there already.
fn place(from: &Path, to: &Path, path: &Path, state: State) -> io::Result<()> {
    let (source, target) = (from.join(path), to.join(path));
    match state.kind {
        Kind::Folder => {
            fs::create_dir(&target)?;
            // Whoever restores must be able to enter it.
            fs::set_permissions(&target, Permissions::from_mode(state.mode | 0o700))
        }
        Kind::File => {
            fs::copy(&source, &target)?;
            fs::set_permissions(&target, Permissions::from_mode(state.mode))
        }
        Kind::Link => symlink(fs::read_link(&source)?, &target),
        // Sockets and pipes of setup's processes, which are dead.
        Kind::Special => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        _folder: tempfile::TempDir,
        tree: Utf8PathBuf,
        snapshot: Snapshot,
    }

    fn world() -> World {
        world_that_trusts(Trust::Times)
    }

    fn world_that_trusts(trust: Trust) -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let tree = root.join("tree");
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::write(tree.join("a/b/file"), "one").unwrap();
        fs::write(tree.join("run.sh"), "two").unwrap();
        fs::set_permissions(tree.join("run.sh"), Permissions::from_mode(0o755)).unwrap();
        symlink("b/file", tree.join("a/link")).unwrap();
        let copy = root.join("copy");
        fs::create_dir(&copy).unwrap();
        let mut snapshot = Snapshot::take_with(&tree, &copy, trust).unwrap();
        snapshot.settle().unwrap();
        World { _folder: folder, tree, snapshot }
    }

    fn state(tree: &Utf8Path) -> Vec<(PathBuf, u32, String)> {
        let read = |path: &PathBuf| {
            let path = tree.as_std_path().join(path);
            fs::read_link(&path)
                .map(|link| link.display().to_string())
                .or_else(|_| fs::read_to_string(&path))
                .unwrap_or_default()
        };
        walk(tree, Trust::Times).unwrap().iter().map(|(path, state)| (path.clone(), state.mode, read(path))).collect()
    }

    #[test]
    fn whatever_a_command_did_is_undone() {
        let mut world = world();
        let before = state(&world.tree);
        let tree = world.tree.clone();
        let harm: &[&dyn Fn()] = &[
            &|| fs::write(tree.join("conftest.py"), "evil").unwrap(),
            &|| fs::write(tree.join("a/b/file"), "ONE").unwrap(),
            &|| fs::remove_dir_all(tree.join("a")).unwrap(),
            &|| {
                fs::remove_file(tree.join("a/b/file")).unwrap();
                symlink("/etc/passwd", tree.join("a/b/file")).unwrap();
            },
            &|| {
                fs::remove_dir_all(tree.join("a/b")).unwrap();
                symlink("/etc", tree.join("a/b")).unwrap();
            },
            &|| fs::set_permissions(tree.join("run.sh"), Permissions::from_mode(0o644)).unwrap(),
            &|| {
                fs::remove_file(tree.join("run.sh")).unwrap();
                fs::create_dir_all(tree.join("run.sh/deep/er")).unwrap();
                fs::set_permissions(tree.join("run.sh/deep"), Permissions::from_mode(0o000)).unwrap();
            },
            &|| nix::unistd::mkfifo(tree.join("pipe").as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap(),
        ];
        for harm in harm {
            harm();
            world.snapshot.restore(&BTreeSet::new()).unwrap();
            world.snapshot.settle().unwrap();
            assert_eq!(state(&world.tree), before);
        }
    }

    /// The same size and the old time of change: only the time of status change tells.
    #[test]
    fn a_forged_time_does_not_help() {
        let mut world = world();
        let file = world.tree.join("a/b/file");
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "ONE").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        assert_eq!(world.snapshot.touched().unwrap(), [PathBuf::from("a/b/file")]);
        world.snapshot.restore(&BTreeSet::new()).unwrap();
        world.snapshot.settle().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        assert!(world.snapshot.touched().unwrap().is_empty());
    }

    /// As by a memory mapping of a file on `tmpfs`: its times tell nothing.
    #[test]
    fn a_write_that_the_file_system_does_not_notice_is_undone_where_contents_are_compared() {
        for (trust, expected) in [(Trust::Contents, "one"), (Trust::Times, "ONE")] {
            let mut world = world_that_trusts(trust);
            let file = world.tree.join("a/b/file");
            fs::write(&file, "ONE").unwrap();
            let stamp = State::of(&fs::metadata(&file).unwrap()).stamp;
            world.snapshot.settled.get_mut(Path::new("a/b/file")).unwrap().stamp = stamp;
            assert_eq!(world.snapshot.touched().unwrap().len(), usize::from(trust == Trust::Contents));
            world.snapshot.restore(&BTreeSet::new()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        }
    }

    /// Under both ways.
    #[test]
    fn a_closed_file_does_not_hinder() {
        for trust in [Trust::Contents, Trust::Times] {
            let mut world = world_that_trusts(trust);
            let before = state(&world.tree);
            fs::set_permissions(world.tree.join("run.sh"), Permissions::from_mode(0o000)).unwrap();
            world.snapshot.restore(&BTreeSet::new()).unwrap();
            world.snapshot.settle().unwrap();
            assert_eq!(state(&world.tree), before);
        }
    }

    #[test]
    fn what_was_laid_over_the_state_is_taken_away() {
        let mut world = world();
        fs::write(world.tree.join("run.sh"), "changed").unwrap();
        fs::write(world.tree.join("new"), "new").unwrap();
        world.snapshot.settle().unwrap();
        assert!(world.snapshot.touched().unwrap().is_empty());
        let replaced = ["run.sh", "new"].map(PathBuf::from).into();
        world.snapshot.restore(&replaced).unwrap();
        assert_eq!(fs::read_to_string(world.tree.join("run.sh")).unwrap(), "two");
        assert!(!world.tree.join("new").exists());
    }
}

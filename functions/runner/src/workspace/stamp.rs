//! Seeing that a file is what it was without reading it.
//!
//! A stamp is which file it is and when the kernel last saw a change of it (`ctime`). Unlike the time of modification
//! no program can set that: writing, truncating, replacing, renaming, linking, a new mode, a new owner and a new time
//! of modification all make it the present moment. It is compared for equality only.
//!
//! A stamp is taken when the file is unpacked, before any command of the repository runs, and believed only where
//! equality means something:
//!
//! - It is older than the newest of the tree. The kernel's clock for files has ticks of milliseconds; a file that was
//!   changed in the tick it was unpacked in would have the same stamp. A later change of an older file is at least as
//!   new as the newest.
//! - The file system notices writes through a memory mapping. On `tmpfs`, for one, such a write may leave no trace.
//! - The kernel does it. Requests by which some file systems move the content of one file into another, and leave its
//!   times alone, are refused to every command (`isolation`).
//!
//! Where it is not believed, or differs, the file is read. So is every file that the SPEC names, in any case: the others
//! are the supervisor's own, or mounted read-only. No promise rests on a stamp: a change that went unseen would not be
//! in the change set, so it would be neither tested nor shown to people nor published.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use nix::sys::stat::FileStat;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, fstatfs};

/// Which file it is, and when it was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Stamp {
    /// When it was last changed; nothing, if that was before 1970.
    pub fn changed_at(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = (u64::try_from(self.changed.0).ok()?, u32::try_from(self.changed.1).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) }
    }
}

impl From<&FileStat> for Stamp {
    fn from(status: &FileStat) -> Self {
        Self { device: status.st_dev, inode: status.st_ino, changed: (status.st_ctime, status.st_ctime_nsec) }
    }
}

/// The stamps of a tree's files that are believed, by path from its root.
#[derive(Debug, Clone, Default)]
pub struct Stamps(HashMap<String, Stamp>);

impl Stamps {
    /// Of the stamps of all files below `root`, those that are believed.
    pub fn believed(all: HashMap<String, Stamp>, root: impl AsFd) -> Self {
        if notices_mapped_writes(root) { Self::older_than_the_newest(all) } else { Self::default() }
    }

    fn older_than_the_newest(mut all: HashMap<String, Stamp>) -> Self {
        let newest = all.values().map(|stamp| stamp.changed).max();
        all.retain(|_, stamp| Some(stamp.changed) != newest);
        Self(all)
    }

    /// Whether the file at this path is surely what was unpacked.
    pub fn vouch(&self, path: &str, now: &Stamp) -> bool {
        self.0.get(path) == Some(now)
    }
}

/// Whether the folder's file system is known to notice them. What lies below an overlay cannot be told.
pub fn notices_mapped_writes(folder: impl AsFd) -> bool {
    let known = [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC];
    fstatfs(folder).is_ok_and(|system| known.contains(&system.filesystem_type()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::path::{Path, PathBuf};

    use super::*;

    fn stamp(path: &Path) -> Stamp {
        Stamp::from(&fs::symlink_metadata(path).unwrap())
    }

    /// A file `a` whose stamp is believed, as one after it is newer, and its modification time.
    fn tree(folder: &Path) -> (PathBuf, Stamps, FileTimes) {
        let (a, b) = (folder.join("a"), folder.join("b"));
        fs::write(&a, "what was unpacked").unwrap();
        let first = stamp(&a);
        while {
            fs::write(&b, "later").unwrap();
            stamp(&b).changed == first.changed
        } {}
        let all = [("a", first), ("b", stamp(&b))].map(|(path, stamp)| (path.to_owned(), stamp));
        let times = FileTimes::new().set_modified(fs::metadata(&a).unwrap().modified().unwrap());
        (a, Stamps::older_than_the_newest(all.into()), times)
    }

    #[test]
    fn what_nobody_touched_is_vouched_for_if_it_is_older_than_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let (a, stamps, _) = tree(folder.path());
        fs::read(&a).unwrap();
        assert!(stamps.vouch("a", &stamp(&a)));
        assert!(!stamps.vouch("b", &stamp(&folder.path().join("b"))));
        assert!(!stamps.vouch("c", &stamp(&a)));
    }

    #[test]
    fn a_change_cannot_be_hidden_by_an_old_time_of_modification() {
        let changes: [fn(&Path, FileTimes); 5] = [
            |a, times| {
                fs::write(a, "what was overpaid").unwrap();
                File::options().write(true).open(a).unwrap().set_times(times).unwrap();
            },
            |a, times| {
                let other = a.with_extension("other");
                fs::write(&other, "what was overpaid").unwrap();
                File::options().write(true).open(&other).unwrap().set_times(times).unwrap();
                fs::rename(&other, a).unwrap();
            },
            |a, _| {
                fs::rename(a, a.with_extension("away")).unwrap();
                fs::copy(a.with_extension("away"), a).unwrap();
            },
            |a, _| fs::hard_link(a, a.with_extension("second")).unwrap(),
            |a, _| fs::set_permissions(a, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let (a, stamps, times) = tree(folder.path());
            assert!(stamps.vouch("a", &stamp(&a)));
            change(&a, times);
            assert!(!stamps.vouch("a", &stamp(&a)), "change {number}");
        }
    }

    /// The device of processes' memory is none that keeps stamps.
    #[test]
    fn nothing_is_believed_where_mapped_writes_leave_no_trace() {
        let all = [("a".to_owned(), stamp(Path::new("/proc/self/stat"))), ("b".to_owned(), stamp(Path::new("/")))];
        let believed = Stamps::believed(all.clone().into(), File::open("/proc").unwrap());
        assert!(believed.0.is_empty());
        assert_eq!(Stamps::older_than_the_newest(all.into()).0.len(), 1);
    }
}

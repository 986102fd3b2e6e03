//! How much of the disk a run may use.
//!
//! Limits hold for a file and for a process, not for all that a tree of processes writes. A run that fills the disk would
//! take its supervisor with it, which could no longer store what was found.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::statvfs::statvfs;
use tokio::time::{MissedTickBehavior, interval};

/// What is kept free for the supervisor: one part in so many of what was free when the run began.
const KEPT: u64 = 5;
/// How often one looks. At the speed of a fast disk, half a gigabyte goes by.
const PERIOD: Duration = Duration::from_millis(200);

/// What is free on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that an ordinary user can still write.
    pub bytes: u64,
    /// Files that can still be made; nothing where the file system has no limit.
    pub files: Option<u64>,
}

impl Space {
    /// What is free where `folder` is.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn at(folder: &Utf8Path) -> io::Result<Self> {
        let found = statvfs(folder.as_std_path())?;
        Ok(Self {
            bytes: found.blocks_available().saturating_mul(found.fragment_size()),
            files: (found.files() > 0).then(|| found.files_available()),
        })
    }

    const fn part(self) -> Self {
        let files = match self.files {
            Some(files) => Some(files / KEPT),
            None => None,
        };
        Self { bytes: self.bytes / KEPT, files }
    }

    fn is_short_of(self, kept: Self) -> bool {
        let short = |free: u64, kept: u64| free < kept;
        short(self.bytes, kept.bytes) || self.files.zip(kept.files).is_some_and(|(free, kept)| short(free, kept))
    }
}

/// Tells what is free where a folder is.
pub type Measure = Arc<dyn Fn(&Utf8Path) -> io::Result<Space> + Send + Sync>;

/// Watches the disk of one run.
#[derive(Clone)]
pub struct DiskWatch {
    folder: Utf8PathBuf,
    measure: Measure,
    kept: Space,
}

impl fmt::Debug for DiskWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskWatch").field("folder", &self.folder).field("kept", &self.kept).finish_non_exhaustive()
    }
}

impl DiskWatch {
    /// For a run that begins now, below `folder`.
    ///
    /// # Errors
    /// It cannot be told what is free.
    pub fn begin(folder: &Utf8Path, measure: Measure) -> io::Result<Self> {
        let free = measure(folder).map_err(|error| {
            io::Error::new(error.kind(), format!("it cannot be told what is free on the disk: {error}"))
        })?;
        Ok(Self { folder: folder.to_owned(), measure, kept: free.part() })
    }

    /// Ready once less is free than is kept, or it can no longer be told.
    pub async fn short(&self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match (self.measure)(&self.folder) {
                Ok(free) if free.is_short_of(self.kept) => {
                    tracing::warn!(?free, kept = ?self.kept, "the disk is almost full");
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "it cannot be told what is free on the disk");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const START: Space = Space { bytes: 1_000, files: Some(100) };

    /// Whether a watch that began with [`START`] ends a run at what is free after it; nothing if that cannot be told.
    async fn ends(later: Option<Space>) -> bool {
        let began = AtomicBool::new(false);
        let measure = move |_: &Utf8Path| {
            let first = !began.swap(true, Ordering::Relaxed);
            if first { Ok(START) } else { later.ok_or_else(|| io::ErrorKind::NotFound.into()) }
        };
        let watch = DiskWatch::begin("/run".into(), Arc::new(measure)).unwrap();
        tokio::time::timeout(PERIOD * 3, watch.short()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fifth_is_kept_of_bytes_and_of_files() {
        for (bytes, files, expected) in [
            (200, Some(20), false),
            (199, Some(20), true),
            (200, Some(19), true),
            (5_000, Some(5_000), false),
            (200, None, false),
        ] {
            assert_eq!(ends(Some(Space { bytes, files })).await, expected, "{bytes} {files:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_told_counts_as_full() {
        assert!(ends(None).await);
        assert!(DiskWatch::begin("/nowhere/at/all".into(), Arc::new(Space::at)).is_err());
    }

    #[test]
    fn a_real_disk_has_space() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::at(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        assert!(space.bytes > 1024 * 1024, "{space:?}");
    }
}

//! Every file of a commit.
//!
//! GitHub's archive of a commit is one download, but not the commit: `export-ignore` leaves files out and
//! `export-subst` changes them. So every file is compared with the Git tree, and what is missing or different is
//! fetched as a blob. The result has exactly the tree's contents, each checked against its Git name.

mod tarball;

use std::collections::BTreeMap;

use domain::CommitSha;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::call::Call;
use crate::error::GithubError;
use crate::repo::Repo;
use crate::tree::{EntryKind, Tree, TreeEntry};

/// Blobs that are fetched at the same time.
const PARALLEL: usize = 8;

/// Limits of a [`Snapshot`]. A larger commit is refused before it is downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotLimits {
    /// Files and links.
    pub files: usize,
    /// Largest file, bytes.
    pub file_bytes: u64,
    /// All contents, bytes.
    pub total_bytes: u64,
    /// The archive, bytes.
    pub archive_bytes: u64,
    /// Files that may have to be fetched one by one.
    pub single_fetches: usize,
}

impl Default for SnapshotLimits {
    fn default() -> Self {
        Self {
            files: 50_000,
            file_bytes: 50 * 1024 * 1024,
            total_bytes: 400 * 1024 * 1024,
            archive_bytes: 200 * 1024 * 1024,
            single_fetches: 1_000,
        }
    }
}

/// Every file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit's tree.
    pub tree: CommitSha,
    /// Files and links by path.
    pub files: BTreeMap<String, SnapshotFile>,
    /// Paths of submodules, which are not part of the snapshot.
    pub submodules: Vec<String>,
    /// How many files the archive lacked or had otherwise than the tree.
    pub fetched_singly: usize,
}

/// A file or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// What it is; never a submodule.
    pub kind: EntryKind,
    /// Its content; of a link, where it leads.
    pub content: Vec<u8>,
}

impl Repo {
    /// Every file of `commit`. Nothing is written to a disk.
    ///
    /// # Errors
    /// [`GithubError::TooLarge`] for what is over a limit; [`GithubError::NotFound`] for an unknown commit.
    pub async fn snapshot(&self, commit: &CommitSha, limits: SnapshotLimits) -> Result<Snapshot, GithubError> {
        let tree = self.tree(commit).await?;
        self.check_limits(&tree, limits)?;
        let (submodules, wanted): (Vec<TreeEntry>, Vec<TreeEntry>) =
            tree.entries.into_iter().partition(|entry| entry.kind == EntryKind::Submodule);
        let mut files =
            if wanted.is_empty() { BTreeMap::new() } else { self.read_archive(commit, wanted.clone(), limits).await? };
        let missing: Vec<TreeEntry> = wanted.into_iter().filter(|entry| !files.contains_key(&entry.path)).collect();
        if missing.len() > limits.single_fetches {
            return Err(GithubError::TooLarge {
                what: format!("what GitHub's archive of {} leaves out", self.name()),
                limit: format!("{} files", limits.single_fetches),
            });
        }
        let fetched_singly = missing.len();
        let fetched: Vec<(String, SnapshotFile)> = futures::stream::iter(missing)
            .map(|entry| async move {
                let content = self.blob(&entry.sha).await?;
                Ok::<_, GithubError>((entry.path, SnapshotFile { kind: entry.kind, content }))
            })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        files.extend(fetched);
        tracing::debug!(repository = %self.name(), %commit, files = files.len(), fetched_singly, "snapshot read");
        let submodules = submodules.into_iter().map(|entry| entry.path).collect();
        Ok(Snapshot { tree: tree.sha, files, submodules, fetched_singly })
    }

    fn check_limits(&self, tree: &Tree, limits: SnapshotLimits) -> Result<(), GithubError> {
        let too_large = |what: String, limit: String| Err(GithubError::TooLarge { what, limit });
        let files = tree.paths().count();
        if files > limits.files {
            return too_large(format!("the number of files of {} ({files})", self.name()), limits.files.to_string());
        }
        if let Some(entry) = tree.entries.iter().find(|entry| entry.size > limits.file_bytes) {
            return too_large(
                format!("the file `{}` of {} ({} bytes)", crate::repo::shown(&entry.path), self.name(), entry.size),
                format!("{} bytes", limits.file_bytes),
            );
        }
        let total = tree.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        if total > limits.total_bytes {
            return too_large(
                format!("the tree of {} ({total} bytes)", self.name()),
                format!("{} bytes", limits.total_bytes),
            );
        }
        Ok(())
    }

    /// The wanted files that GitHub's archive has as the tree has them.
    async fn read_archive(
        &self,
        commit: &CommitSha,
        wanted: Vec<TreeEntry>,
        limits: SnapshotLimits,
    ) -> Result<BTreeMap<String, SnapshotFile>, GithubError> {
        let call = Call::get(self.path(&format!("/tarball/{commit}"))).at_most(limits.archive_bytes);
        let reply = self.github.send(&call).await?;
        if !reply.status.is_success() {
            return Err(reply.refusal());
        }
        let max_bytes = limits.total_bytes.saturating_mul(2).saturating_add(64 * 1024 * 1024);
        let reading = tokio::task::spawn_blocking(move || tarball::matching_files(&reply.bytes, &wanted, max_bytes));
        reading.await.map_err(|error| GithubError::Unexpected { call: call.label(), reason: error.to_string() })
    }
}

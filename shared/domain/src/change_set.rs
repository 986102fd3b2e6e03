//! The change set: what a run of the agent changed, as the supervisor packs it.
//!
//! The archive is `tar` compressed by `zstd` with, in this order: `manifest.json`; one member `files/{sha256}` for
//! each different content; `complete`, which holds the digest of the manifest's bytes. An archive without the last
//! member is not a change set. Everything in it comes out of the sandbox and is not trusted: see [`crate::verify`].

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};

/// Version of [`Manifest`]'s form.
pub const MANIFEST_VERSION: u32 = 1;
/// Name of the archive's first member.
pub const MANIFEST_MEMBER: &str = "manifest.json";
/// Name of the archive's last member.
pub const COMPLETE_MEMBER: &str = "complete";
/// Folder of the contents, named by their digest.
pub const FILES_PREFIX: &str = "files/";
/// Largest archive that is read, in bytes.
pub const MAX_ARCHIVE_BYTES: u64 = 64 * 1024 * 1024;
/// Largest manifest that is read, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// The list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commit that the workspace was made from.
    pub base_commit: CommitSha,
    /// Every difference from the base tree, in path order.
    pub entries: Vec<ManifestEntry>,
    /// New files that the base commit's ignore rules cover: recorded, not packed. At most 1,000 are named.
    pub dropped: Vec<String>,
    /// How many were dropped in all.
    pub dropped_count: u64,
}

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// The path as found, not checked. A name that is not UTF-8 stands here with U+FFFD and as
    /// [`RejectReason::NotUtf8`].
    pub path: String,
    /// What became of it.
    pub change: Change,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A regular file with new content or mode.
    Written {
        /// Permission bits: 0o644 or 0o755, as an integer.
        mode: u32,
        /// Bytes.
        size: u64,
        /// Digest of the content, which is the archive's member of that name.
        digest: Digest,
        /// Whether the base tree had the path.
        existed: bool,
    },
    /// The base tree had it, it is gone.
    Deleted,
    /// Something that cannot be packed.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// Whether the base tree had the path.
        existed: bool,
    },
}

/// Why a path could not be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// A symbolic link.
    SymbolicLink,
    /// A device, socket or pipe.
    SpecialFile,
    /// Over the limit for one file.
    TooLarge,
    /// It changed or vanished while it was read, or could not be read.
    Unreadable,
    /// Its name is not UTF-8.
    NotUtf8,
    /// More than one name for the same file.
    HardLink,
    /// The run's total size or number of files is over its limit; what follows is not packed.
    TooMuch,
}

//! The lines of a verified change, as people read them. `workflow` makes it once, when the change set is verified, from the
//! very contents that were; its digest stands in the audit trail, so that what is shown is what was checked.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};
use crate::path::{Protection, RepoPath};
use crate::spec::FileAction;

/// Version of [`ChangeDiff`]'s form.
pub const DIFF_VERSION: u32 = 1;
/// Largest diff that is stored, bytes of JSON.
pub const MAX_DIFF_BYTES: u64 = 2 * 1024 * 1024;
/// Stands, with this text, after a last line that has no newline, as Git writes it.
pub const NO_NEWLINE: &str = "\\ No newline at end of file";

/// What a verified change set changes, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDiff {
    /// [`DIFF_VERSION`].
    pub version: u32,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commit below it.
    pub base_commit: CommitSha,
    /// Digest of the change set's archive.
    pub change_set: Digest,
    /// Every changed file, protected ones first.
    pub files: Vec<FileDiff>,
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Where.
    pub path: RepoPath,
    /// What, as the approved SPEC names it.
    pub action: FileAction,
    /// The rule that protects the path, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Whether the path came into the SPEC by an amendment that the agent asked for.
    #[serde(default)]
    pub by_amendment: bool,
    /// Whether the file is executable afterwards.
    #[serde(default)]
    pub executable: bool,
    /// Lines that are new.
    pub added: u32,
    /// Lines that are gone.
    pub removed: u32,
    /// The lines.
    pub body: DiffBody,
}

/// The lines of a file, or why there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DiffBody {
    /// The lines that changed, with some around them.
    Lines {
        /// In order.
        hunks: Vec<Hunk>,
        /// How many lines more there are that are not shown.
        omitted: u32,
    },
    /// It is no text, or was none.
    Binary,
    /// It is larger than is compared.
    TooLarge,
    /// It held what looks like a credential before the change.
    Withheld,
    /// What it was before is not at hand.
    Unknown,
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The number of its first line before the change, from 1; 0 where there is none.
    pub old_start: u32,
    /// The same after the change.
    pub new_start: u32,
    /// Lines, each with ` `, `+` or `-` before it, or [`NO_NEWLINE`].
    pub lines: Vec<String>,
}

impl ChangeDiff {
    /// Lines that are new, and lines that are gone, in all files.
    pub fn totals(&self) -> (u64, u64) {
        let sum = |count: fn(&FileDiff) -> u32| self.files.iter().map(|file| u64::from(count(file))).sum();
        (sum(|file| file.added), sum(|file| file.removed))
    }
}

//! The second, trusted check: decides whether what came out of the sandbox may be published.
//!
//! [`VerifiedChangeSet`] can be built only here, and the publisher accepts nothing else.

mod base;
mod binary;
mod check;
mod twins;

use serde::{Deserialize, Serialize};

pub use base::{BaseContent, BaseFile, BaseFiles, BaseKind};
pub use binary::is_binary;
pub use check::verify;

use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};
use crate::path::{Protection, RepoPath};
use crate::secrets::KnownSecrets;
use crate::spec::{FileAction, Spec};

/// What a change set is checked against.
#[derive(Debug, Clone, Copy)]
pub struct VerifyContext<'a> {
    /// The approved SPEC.
    pub spec: &'a Spec,
    /// The attempt that is being collected.
    pub attempt: Attempt,
    /// The commit that the run's workspace was made from.
    pub base_commit: &'a CommitSha,
    /// Every file at that commit.
    pub base: &'a BaseFiles,
    /// The secrets of this deployment.
    pub known: &'a KnownSecrets,
    /// Limits.
    pub policy: VerifyPolicy,
}

/// Limits on a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyPolicy {
    /// Largest file, bytes.
    pub max_file_bytes: u64,
    /// All contents together, bytes.
    pub max_total_bytes: u64,
    /// Whether this deployment lets a SPEC name files under `.github/workflows`.
    pub allow_workflow_files: bool,
}

impl VerifyPolicy {
    /// The limits of every deployment: 2 MiB a file, 20 MiB together.
    pub const fn new(allow_workflow_files: bool) -> Self {
        Self { max_file_bytes: 2 * 1024 * 1024, max_total_bytes: 20 * 1024 * 1024, allow_workflow_files }
    }
}

/// Something in a change set that must not be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The path as the sandbox named it, control characters escaped.
    pub path: String,
    /// Which rule.
    pub kind: ViolationKind,
    /// One sentence for the agent and for people.
    pub message: String,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// Not one of the SPEC's files.
    PathNotInSpec,
    /// One of the SPEC's files, but with another action.
    ActionMismatch,
    /// Not a path that may be in a repository.
    InvalidPath,
    /// The same file as another one on some file system.
    TwinPath,
    /// A link, device, socket or pipe.
    NotARegularFile,
    /// Neither 644 nor 755.
    Mode,
    /// A file or the whole set is too large.
    TooLarge,
    /// The archive contradicts itself.
    Corrupt,
    /// A file that this deployment protects.
    Protected,
    /// Something that looks like a credential.
    Secret,
    /// Not text, in a place for text.
    Binary,
}

/// A change that may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChange {
    path: RepoPath,
    kind: VerifiedKind,
    protection: Option<Protection>,
}

/// What a [`VerifiedChange`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedKind {
    /// Create or replace the file.
    Write {
        /// Whether it is executable (mode 755, otherwise 644).
        executable: bool,
        /// The whole content.
        content: Vec<u8>,
        /// Whether the base commit had it.
        existed: bool,
    },
    /// Remove the file.
    Delete,
}

impl VerifiedChange {
    /// Where.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// What.
    pub fn kind(&self) -> &VerifiedKind {
        &self.kind
    }

    /// Which rule protects the path, if one does: the SPEC named it, and people were shown it first.
    pub const fn protection(&self) -> Option<Protection> {
        self.protection
    }

    /// The action in the SPEC's words.
    pub fn action(&self) -> FileAction {
        match &self.kind {
            VerifiedKind::Write { existed: false, .. } => FileAction::Create,
            VerifiedKind::Write { existed: true, .. } => FileAction::Modify,
            VerifiedKind::Delete => FileAction::Delete,
        }
    }
}

/// A change set in which every change is allowed by the approved SPEC. Not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChangeSet {
    workflow_id: WorkflowId,
    attempt: Attempt,
    base_commit: CommitSha,
    spec_digest: Digest,
    changes: Vec<VerifiedChange>,
}

impl VerifiedChangeSet {
    /// The workflow.
    pub fn workflow_id(&self) -> &WorkflowId {
        &self.workflow_id
    }

    /// The attempt.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The commit to build on.
    pub fn base_commit(&self) -> &CommitSha {
        &self.base_commit
    }

    /// The SPEC it was checked against.
    pub fn spec_digest(&self) -> Digest {
        self.spec_digest
    }

    /// The changes, in path order.
    pub fn changes(&self) -> &[VerifiedChange] {
        &self.changes
    }
}

/// Why a change set may not be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It changes nothing.
    #[error("the run changed no file")]
    Empty,
    /// It breaks rules.
    #[error("the run's change set breaks {} rule(s)", .0.len())]
    Violations(Vec<Violation>),
}

#[cfg(test)]
mod tests;

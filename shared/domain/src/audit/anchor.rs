//! Heads, written where nobody can change them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::AuditHead;
use crate::digest::Digest;
use crate::ids::WorkflowId;

/// How long a new head may take to its anchor before something is wrong: its writer is behind or does not run.
pub const ANCHOR_PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// The end of a workflow's trail at one time. The same head always makes the same anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Number of entries.
    pub seq: u64,
    /// Hash of the last one. By the chain it stands for all before it too.
    pub hash: Digest,
    /// When the last one was written.
    pub at: Timestamp,
}

impl Anchor {
    /// The head that it keeps.
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash }
    }
}

/// What stands in the place of an anchor. An anchor that somebody wrote over is there twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnchor {
    /// The number in its place's name.
    pub seq: u64,
    /// The anchor.
    #[serde(flatten)]
    pub found: FoundAnchor,
}

/// What was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundAnchor {
    /// An anchor.
    Anchor(Anchor),
    /// Something else, or the mark of a deletion: which.
    Disturbed(String),
}

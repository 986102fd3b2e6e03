//! What CI reports about commits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::Sha;

/// A check run, as CI reports it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CheckRun {
    /// Numeric id.
    pub id: u64,
    /// The suite: one per commit.
    pub suite: u64,
    /// The commit.
    pub head_sha: Sha,
    /// Name, matched by required checks.
    pub name: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Set when completed: `success`, `failure`, …
    pub conclusion: Option<String>,
    /// A short summary.
    pub summary: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A commit status of the older kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CommitStatus {
    /// Numeric id.
    pub id: u64,
    /// The commit.
    pub sha: Sha,
    /// Name, matched by required checks.
    pub context: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// A short text.
    pub description: Option<String>,
    /// When it was reported.
    pub at: Timestamp,
}

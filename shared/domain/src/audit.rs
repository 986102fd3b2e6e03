//! The audit trail: one hash-chained list of entries per workflow.
//!
//! Each entry holds the hash of the one before it, so that an entry that is changed, dropped, moved or cut off shows.
//! The head (length and last hash) stands in the workflow's row and changes in the same transaction.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::WorkflowId;
use crate::person::Actor;
use crate::state::WorkflowState;
use crate::workflow::Event;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Counts from 1 without a gap.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who or what.
    pub actor: Actor,
    /// State before.
    pub from: WorkflowState,
    /// State after; the same where nothing moved.
    pub to: WorkflowState,
    /// What happened.
    pub event: Event,
    /// Hash of the entry before; of the first: [`genesis`].
    pub previous: Digest,
    /// [`AuditEntry::compute_hash`] of this one.
    pub hash: Digest,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Number of entries.
    pub seq: u64,
    /// Hash of the last one, or [`genesis`].
    pub hash: Digest,
}

/// What the first entry of a workflow holds as its predecessor.
pub fn genesis(workflow_id: &WorkflowId) -> Digest {
    Digest::of_parts([b"pi-tickets audit v1".as_slice(), workflow_id.as_str().as_bytes()])
}

impl AuditHead {
    /// The head of a chain without entries.
    pub fn empty(workflow_id: &WorkflowId) -> Self {
        Self { seq: 0, hash: genesis(workflow_id) }
    }
}

impl AuditEntry {
    /// SHA-256 of the entry's canonical JSON without its `hash` field.
    ///
    /// # Errors
    /// Only when a number in the event is not finite.
    pub fn compute_hash(&self) -> Result<Digest, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let Some(object) = value.as_object_mut() {
            object.remove("hash");
        }
        Digest::of_json(&value)
    }
}

/// The first place where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail of {workflow_id} is broken at entry {seq}: {problem}")]
pub struct BrokenChain {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The first bad entry, from 1.
    pub seq: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// Checks a whole chain against its head.
///
/// # Errors
/// Names the first bad entry.
pub fn verify_chain(workflow_id: &WorkflowId, entries: &[AuditEntry], head: AuditHead) -> Result<(), BrokenChain> {
    let broken =
        |seq, problem: &str| BrokenChain { workflow_id: workflow_id.clone(), seq, problem: problem.to_owned() };
    let mut last = AuditHead::empty(workflow_id);
    for (expected, entry) in (1..).zip(entries) {
        if entry.seq != expected {
            return Err(broken(expected, &format!("entry {} stands in its place", entry.seq)));
        }
        if entry.workflow_id != *workflow_id {
            return Err(broken(expected, "it belongs to another workflow"));
        }
        if entry.previous != last.hash {
            return Err(broken(expected, "it does not follow from the entry before it"));
        }
        if entry.compute_hash().ok() != Some(entry.hash) {
            return Err(broken(expected, "its content was changed"));
        }
        last = AuditHead { seq: entry.seq, hash: entry.hash };
    }
    if last == head {
        Ok(())
    } else if last.seq < head.seq {
        Err(broken(last.seq + 1, "it and what followed are missing"))
    } else {
        Err(broken(head.seq.min(last.seq).max(1), "the workflow's row names another last entry"))
    }
}

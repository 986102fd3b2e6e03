//! The audit trail: one hash-chained list of entries per workflow.
//!
//! Each entry holds the hash of the one before it, so that an entry that is changed, dropped, moved or cut off shows.
//! The head (length and last hash) stands in the workflow's row and changes in the same transaction. Whoever could
//! rewrite entries and row together would have to rewrite the [`Anchor`]s too, which stand where nobody can.
//!
//! [`Trail`] is a trail as it was found and what is wrong with it; [`export`] writes one down and reads it again.

mod anchor;
pub mod export;
mod stored;
#[cfg(test)]
mod tests;
mod trail;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use anchor::{ANCHOR_PATIENCE, Anchor, FoundAnchor, StoredAnchor};
pub use stored::StoredEntry;
pub use trail::{BrokenChain, Evidence, Problem, Standing, Trail, Waiting};

use crate::digest::Digest;
use crate::ids::WorkflowId;
use crate::person::Actor;
use crate::state::WorkflowState;
use crate::workflow::Event;

/// Largest integer that canonical JSON writes digit by digit: it knows doubles only.
const MAX_EXACT: u64 = (1 << 53) - 1;

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
    /// SHA-256 of the entry's canonical JSON without its `hash` field. Integers that a double cannot hold count as
    /// texts of their digits.
    ///
    /// # Errors
    /// Only when a number in the event is not finite.
    pub fn compute_hash(&self) -> Result<Digest, serde_json::Error> {
        hash_of(serde_json::to_value(self)?)
    }
}

/// The hash of an entry whose fields are given as they are stored: a reader that knows other fields than the writer
/// did gets the same hash.
fn hash_of(mut fields: Value) -> Result<Digest, serde_json::Error> {
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("hash");
    }
    spell_out(&mut fields);
    Digest::of_json(&fields)
}

fn spell_out(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            if size.is_some_and(|size| size > MAX_EXACT) {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(fields) => fields.values_mut().for_each(spell_out),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Checks a chain of entries against its head.
///
/// # Errors
/// Names the first bad entry.
pub fn verify_chain(workflow_id: &WorkflowId, entries: &[AuditEntry], head: AuditHead) -> Result<(), BrokenChain> {
    Trail::of(workflow_id.clone(), entries, Some(head)).verify()
}

//! A trail as it was found, and the first place where it does not hold.

use jiff::Timestamp;
use serde::Serialize;

use super::anchor::{ANCHOR_PATIENCE, FoundAnchor, StoredAnchor};
use super::stored::StoredEntry;
use super::{AuditEntry, AuditHead};
use crate::ids::WorkflowId;

/// The trail of a workflow, as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// What stands in its entries' places, in storage's order.
    pub entries: Vec<StoredEntry>,
    /// The end of the chain by the workflow's row; `None` where there is no row or it does not say.
    pub head: Option<AuditHead>,
}

/// A trail and what was found of its anchors.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The trail.
    pub trail: Trail,
    /// Its anchors, in order.
    pub anchors: Vec<StoredAnchor>,
    /// When both were read.
    pub at: Timestamp,
}

/// The first place where a trail does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("the audit trail of {workflow_id} is broken at entry {seq}: {problem}")]
pub struct BrokenChain {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The first bad entry, from 1.
    pub seq: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// Nothing stands in its place, though the row, an anchor or a later entry says that it was there.
    #[error("it is missing")]
    Missing,
    /// What stands there is no entry.
    #[error("it cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// Another entry, or something that has no number, stands there.
    #[error("{} stands in its place", found.map_or_else(|| "something without a number".to_owned(), |seq| format!("entry {seq}")))]
    Misplaced {
        /// The number of what stands there.
        found: Option<u64>,
    },
    /// Another workflow's entry stands there.
    #[error("it belongs to another workflow")]
    Foreign,
    /// It names another predecessor: one of the two was replaced.
    #[error("it does not follow from the entry before it")]
    Unlinked,
    /// Its hash is not the hash of its content.
    #[error("its content was changed")]
    Changed,
    /// It comes after the last entry that the workflow's row knows.
    #[error("the workflow's row does not know of it")]
    Surplus,
    /// The row names another hash for it.
    #[error("it is not the last entry that the workflow's row names")]
    HeadDiffers,
    /// There is no row that names the last entry.
    #[error("the workflow's row, which names the last entry, is missing or cannot be read")]
    NoHead,
    /// The chain holds by itself, but an anchor keeps another hash: the trail was written anew from here on.
    #[error("it is not the entry that was anchored")]
    AnchorDiffers,
    /// Somebody was at its anchor.
    #[error("its anchor was disturbed: {reason}")]
    AnchorDisturbed {
        /// How.
        reason: String,
    },
}

impl Problem {
    /// What must have happened, in a sentence for people.
    pub const fn meaning(&self) -> &'static str {
        match self {
            Self::Missing => "The entry was removed, or the end of the trail was cut off.",
            Self::Unreadable { .. } | Self::Misplaced { .. } | Self::Foreign => {
                "Something else was written in the entry's place."
            }
            Self::Unlinked => "This entry or the one before it was replaced.",
            Self::Changed => "The entry was edited after it was written.",
            Self::Surplus | Self::HeadDiffers | Self::NoHead => {
                "The workflow's row and the trail were changed apart from each other, which our functions never do."
            }
            Self::AnchorDiffers => {
                "The trail was written anew from this entry on, with hashes that fit; the anchor keeps what was there before."
            }
            Self::AnchorDisturbed { .. } => {
                "Somebody tried to hide or replace the anchor. Its first version is kept by the bucket's lock."
            }
        }
    }
}

/// A trail that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Number of entries.
    pub entries: u64,
    /// The last anchored entry; what comes before it is kept by the same anchor. 0: none.
    pub anchored: u64,
    /// What is not anchored yet.
    pub waiting: Option<Waiting>,
}

/// Entries that are held by the workflow's row alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The first of them.
    pub from: u64,
    /// When it was written, as it says.
    pub since: Option<Timestamp>,
    /// Whether that is longer ago than an anchor takes ([`ANCHOR_PATIENCE`]): nobody can say then that they were not
    /// written anew together with the row.
    pub late: bool,
}

impl Evidence {
    /// Whether there is nothing at all: no such workflow.
    pub fn is_empty(&self) -> bool {
        self.trail.entries.is_empty() && self.trail.head.is_none() && self.anchors.is_empty()
    }

    /// Checks the chain against the workflow's row and against its anchors.
    ///
    /// # Errors
    /// Names the first bad entry.
    pub fn verify(&self) -> Result<Standing, BrokenChain> {
        self.trail.verify_anchored(&self.anchors, self.at)
    }
}

impl Trail {
    /// A trail of entries that are at hand.
    pub fn of(workflow_id: WorkflowId, entries: &[AuditEntry], head: Option<AuditHead>) -> Self {
        Self { workflow_id, entries: entries.iter().map(StoredEntry::from).collect(), head }
    }

    /// The entries whose form this version of the program knows.
    pub fn readable(&self) -> Vec<AuditEntry> {
        self.entries.iter().filter_map(|stored| stored.entry().ok()).collect()
    }

    /// Checks the chain against the workflow's row. Whoever could rewrite both is not found by this.
    ///
    /// # Errors
    /// Names the first bad entry.
    pub fn verify(&self) -> Result<(), BrokenChain> {
        self.chain().map_or(Ok(()), |bad| Err(self.broken(bad)))
    }

    /// Checks the chain against the workflow's row and against its anchors.
    ///
    /// # Errors
    /// Names the first bad entry.
    pub fn verify_anchored(&self, anchors: &[StoredAnchor], now: Timestamp) -> Result<Standing, BrokenChain> {
        let against_anchors = anchors.iter().filter_map(|anchor| self.against(anchor));
        // Of two that name the same entry, the chain's word comes first.
        let bad = self.chain().into_iter().chain(against_anchors).min_by_key(|(seq, _)| *seq);
        bad.map_or_else(|| Ok(self.standing(anchors, now)), |bad| Err(self.broken(bad)))
    }

    fn broken(&self, (seq, problem): (u64, Problem)) -> BrokenChain {
        BrokenChain { workflow_id: self.workflow_id.clone(), seq, problem }
    }

    fn chain(&self) -> Option<(u64, Problem)> {
        let mut last = AuditHead::empty(&self.workflow_id);
        for stored in &self.entries {
            if let Some(head) = self.head.filter(|head| head.seq == last.seq) {
                return Some(if head == last { (last.seq + 1, Problem::Surplus) } else { differs(head) });
            }
            match stored.follow(&self.workflow_id, last) {
                Ok(next) => last = next,
                Err(problem) => return Some((last.seq + 1, problem)),
            }
        }
        match self.head {
            None => Some((last.seq.max(1), Problem::NoHead)),
            Some(head) if head == last => None,
            Some(head) if head.seq == last.seq => Some(differs(head)),
            Some(_) => Some((last.seq + 1, Problem::Missing)),
        }
    }

    fn against(&self, stored: &StoredAnchor) -> Option<(u64, Problem)> {
        let disturbed =
            |reason: &str| Some((stored.seq.max(1), Problem::AnchorDisturbed { reason: reason.to_owned() }));
        let anchor = match &stored.found {
            FoundAnchor::Disturbed(reason) => return disturbed(reason),
            FoundAnchor::Anchor(anchor) => anchor,
        };
        if anchor.workflow_id != self.workflow_id || anchor.seq != stored.seq || anchor.seq == 0 {
            return disturbed("it is the anchor of another entry");
        }
        match usize::try_from(anchor.seq - 1).ok().and_then(|index| self.entries.get(index)) {
            None => Some((self.entries.len() as u64 + 1, Problem::Missing)),
            Some(entry) if entry.hash() == Some(anchor.hash) => None,
            Some(_) => Some((anchor.seq, Problem::AnchorDiffers)),
        }
    }

    fn standing(&self, anchors: &[StoredAnchor], now: Timestamp) -> Standing {
        let anchored = anchors.iter().map(|anchor| anchor.seq).max().unwrap_or(0);
        let next = usize::try_from(anchored).ok().and_then(|index| self.entries.get(index));
        let waiting = next.map(|entry| {
            let since = entry.at();
            let late = since.is_none_or(|since| now.duration_since(since) > ANCHOR_PATIENCE);
            Waiting { from: anchored + 1, since, late }
        });
        Standing { entries: self.entries.len() as u64, anchored, waiting }
    }
}

fn differs(head: AuditHead) -> (u64, Problem) {
    (head.seq.max(1), Problem::HeadDiffers)
}

//! From the state table's stream to one object for each new head of an audit trail, in a bucket where nothing can be
//! changed before its time is over. What the tables say later has to agree with that.
//!
//! It has a position of its own in the stream, and nothing of its function is needed by a ticket: while S3 takes
//! nothing, only anchors are late. So a batch may fail. It then comes back as long as the stream source says, and what
//! was written before stays as it is, because the same head makes the same object and an object is written once. Every
//! head of a batch is tried, whatever becomes of the others.
//!
//! What no repeat would mend is logged and counted (`AuditHeadsRefused`, on which there is an alarm): a row whose head
//! cannot be read, and a head in whose place another one is kept already. The first can be no work of ours, and the
//! second means that a trail was written anew.

mod config;
mod records;

pub use config::Config;
pub use records::{Heads, heads};

use domain::Timestamp;
use domain::audit::Anchor;
use domain::failure::Failure;
use futures::stream::{self, StreamExt as _};
use runtime::StepFailure;
use runtime::metrics::{Unit, emit};
use serde::Serialize;
use serde_json::Value;
use store::{Anchored, Anchors, StoreError};

/// How many objects are written at once.
const AT_ONCE: usize = 16;

/// What became of a batch, for the logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Heads that are anchored now.
    pub written: usize,
    /// Heads that were anchored before.
    pub known: usize,
    /// Heads that are not anchored and never will be.
    pub refused: usize,
}

/// Handles one batch of stream records.
///
/// # Errors
/// `Transient` or `Contention` when S3 did not take a head, `Internal` when it will not.
pub async fn anchor(anchors: &Anchors, event: Value, now: Timestamp) -> Result<Kept, StepFailure> {
    let Heads { anchors: heads, unreadable } = heads(event);
    let mut kept = Kept { refused: unreadable, ..Kept::default() };
    let mut failed = None;
    let mut results = stream::iter(&heads).map(|head| put(anchors, head)).buffer_unordered(AT_ONCE);
    while let Some(result) = results.next().await {
        match result {
            Ok(Anchored::Written) => kept.written += 1,
            Ok(Anchored::Known) => kept.known += 1,
            Ok(Anchored::Differs) => kept.refused += 1,
            Err(error) => failed = Some(error),
        }
    }
    let Kept { written, known, refused } = kept;
    if refused > 0 {
        let count = u32::try_from(refused).unwrap_or(u32::MAX);
        emit(now.as_millisecond(), "AuditHeadsRefused", Unit::Count, f64::from(count), None);
    }
    tracing::info!(written, known, refused, "the batch's heads are anchored as far as they can be");
    failed.map_or(Ok(kept), |error| Err(runtime::step::fail(Failure::from(error))))
}

async fn put(anchors: &Anchors, head: &Anchor) -> Result<Anchored, StoreError> {
    let anchored = anchors.put(head).await?;
    if anchored == Anchored::Differs {
        let (workflow, seq, hash) = (&head.workflow_id, head.seq, head.hash);
        tracing::error!(%workflow, seq, %hash, "another head is anchored in this one's place: the trail was written anew");
    }
    Ok(anchored)
}

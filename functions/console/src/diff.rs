//! What a change changes, line by line: read from what was stored when it was verified, if that has the digest that the
//! audit trail tells of.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::audit::AuditEntry;
use domain::diff::ChangeDiff;
use domain::ids::{Attempt, WorkflowId};
use domain::workflow::Event;
use domain::{Digest, Timestamp};
use serde::Deserialize;

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, DiffFacts};
use crate::problem::{PageProblem, Problem};

#[derive(Deserialize)]
pub(crate) struct DiffQuery {
    attempt: Option<u32>,
}

/// `GET /workflows/{id}/diff`: of an attempt, the last one with a verified change without one.
pub(crate) async fn page<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    Query(query): Query<DiffQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.viewer()?;
    let id: WorkflowId = id.parse().map_err(|_| Problem::not_found())?;
    let (workflow, trail) = futures::try_join!(console.backend.workflow(&id), console.backend.trail(&id))?;
    let verified = verified(&trail.readable());
    let found = choose(&verified, query.attempt).ok_or_else(Problem::not_found)?;
    let diff = read(&console.backend, &id, Some(found)).await?;
    let attempts: Vec<_> = verified.iter().map(|it| (it.attempt, it.at)).collect();
    let facts = DiffFacts { workflow: &workflow, attempts: &attempts, attempt: found.attempt, diff: diff.as_ref() };
    Ok(pages::page(&pages::diff(&facts, &console.settings.base_url)))
}

/// A change set that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) attempt: Attempt,
    pub(crate) at: Timestamp,
    /// Digest of its diff.
    diff: Option<Digest>,
}

/// Every verified change set that a trail tells of, in order.
pub(crate) fn verified(trail: &[AuditEntry]) -> Vec<Verified> {
    let told = trail.iter().filter_map(|entry| match &entry.event {
        Event::ChangesVerified { attempt, diff, .. } => Some(Verified { attempt: *attempt, at: entry.at, diff: *diff }),
        _ => None,
    });
    told.collect()
}

/// That of an attempt, or the last one.
pub(crate) fn choose(verified: &[Verified], attempt: Option<u32>) -> Option<Verified> {
    let mut backwards = verified.iter().rev();
    match attempt {
        Some(number) => backwards.find(|it| it.attempt.get() == number).copied(),
        None => backwards.next().copied(),
    }
}

/// The diff of a change set, where it is stored as it was.
pub(crate) async fn read<B: Backend>(
    backend: &B,
    id: &WorkflowId,
    of: Option<Verified>,
) -> Result<Option<ChangeDiff>, Problem> {
    match of.and_then(|it| Some((it.attempt, it.diff?))) {
        Some((attempt, digest)) => Ok(backend.diff(id, attempt, digest).await?),
        None => Ok(None),
    }
}

//! Numbers at a glance. The dashboard has the full ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Timestamp, WorkflowState};
use futures::future::{try_join, try_join_all};
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::ReadProblems;
use crate::Console;
use crate::analytics::{Share, beginning};
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::ApiProblem;

/// How far the success rate looks back, days.
const WINDOW_DAYS: i32 = 7;

/// Numbers at a glance.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Metrics {
    /// Workflows that have not ended.
    active: usize,
    /// Those of them that wait for a person.
    pending_approvals: usize,
    /// Merged and closed since midnight, UTC.
    completed_today: usize,
    /// Of the workflows that ended in the last 7 days, the part that completed, 0 to 1; `null` when none ended.
    success_rate: Option<f64>,
    /// Whether there were more workflows than were counted.
    truncated: bool,
}

/// Numbers at a glance.
#[utoipa::path(
    get,
    path = "/api/metrics",
    responses((status = 200, description = "The numbers.", body = Metrics), ReadProblems)
)]
pub(crate) async fn metrics<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
) -> Result<Json<Metrics>, ApiProblem> {
    asking.viewer()?;
    let (backend, now) = (&console.backend, (console.now)());
    let window = beginning(now, WINDOW_DAYS);
    let counts = WorkflowState::ALL.into_iter().map(async |state| {
        let since = if state.is_terminal() { window } else { Timestamp::UNIX_EPOCH };
        Ok((state, backend.count(state, since).await?))
    });
    let today = backend.count(WorkflowState::Completed, beginning(now, 1));
    let (counts, (completed_today, more)) = try_join(try_join_all(counts), today).await?;
    let sum = |wanted: fn(WorkflowState) -> bool| -> usize {
        counts.iter().filter(|(state, _)| wanted(*state)).map(|(_, (number, _))| number).sum()
    };
    let (completed, ended) = (sum(|state| state == WorkflowState::Completed), sum(WorkflowState::is_terminal));
    Ok(Json(Metrics {
        active: sum(|state| !state.is_terminal()),
        pending_approvals: sum(WorkflowState::is_waiting_for_person),
        completed_today,
        success_rate: Share::of(completed, ended).rate,
        truncated: more || counts.iter().any(|(_, (_, more))| *more),
    }))
}

//! Numbers at a glance. The dashboard has the full ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Timestamp, WorkflowState};
use futures::future::try_join_all;
use serde::Serialize;

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{ApiProblem, Problem};

/// Workflows read at once.
const PAGE: i32 = 200;
/// Most pages that are read of one state; beyond, the numbers are lower bounds.
const MAX_PAGES: usize = 10;
/// How far the success rate looks back, seconds: 7 days.
const WINDOW_SECONDS: i64 = 7 * 24 * 3_600;

/// `GET /api/metrics`.
#[derive(Debug, PartialEq, Serialize)]
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

pub(crate) async fn metrics<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
) -> Result<Json<Metrics>, ApiProblem> {
    asking.viewer()?;
    let now = (console.now)();
    let window = Timestamp::from_second(now.as_second() - WINDOW_SECONDS).unwrap_or(Timestamp::MIN);
    let midnight = Timestamp::from_second(now.as_second().div_euclid(86_400) * 86_400).unwrap_or(Timestamp::MIN);
    let counts = WorkflowState::ALL.into_iter().map(|state| {
        let since = if state.is_terminal() { window } else { Timestamp::MIN };
        count(&console.backend, state, since, midnight)
    });
    let counts = try_join_all(counts).await?;
    let sum = |wanted: fn(WorkflowState) -> bool| -> usize {
        counts.iter().filter(|count| wanted(count.state)).map(|count| count.number).sum()
    };
    let (ended, completed) = (sum(WorkflowState::is_terminal), sum(|state| state == WorkflowState::Completed));
    Ok(Json(Metrics {
        active: sum(|state| !state.is_terminal()),
        pending_approvals: sum(WorkflowState::is_waiting_for_person),
        completed_today: counts.iter().filter(|c| c.state == WorkflowState::Completed).map(|c| c.today).sum(),
        success_rate: (ended > 0).then(|| ratio(completed, ended)),
        truncated: counts.iter().any(|count| count.truncated),
    }))
}

#[expect(clippy::cast_precision_loss, reason = "a display figure of at most a few thousand")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

struct Count {
    state: WorkflowState,
    number: usize,
    today: usize,
    truncated: bool,
}

/// Counts the workflows of a state that changed at `since` or later. The list is sorted by that time, newest first.
async fn count<B: Backend>(
    backend: &B,
    state: WorkflowState,
    since: Timestamp,
    midnight: Timestamp,
) -> Result<Count, Problem> {
    let mut count = Count { state, number: 0, today: 0, truncated: false };
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let page = backend.in_state(state, PAGE, cursor.as_deref()).await?;
        let new = page.workflows.iter().filter(|workflow| workflow.updated_at >= since).count();
        count.number += new;
        count.today += page.workflows.iter().filter(|workflow| workflow.updated_at >= midnight).count();
        cursor = page.cursor;
        if cursor.is_none() || new < page.workflows.len() {
            return Ok(count);
        }
    }
    count.truncated = true;
    Ok(count)
}

//! Figures about many workflows: read from the index by state and from the book of expenses, both bounded.

mod figures;
mod statistics;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use domain::workflow::Expense;
use domain::{Timestamp, WorkflowState};
use futures::future::{try_join, try_join_all};
use serde::Deserialize;
use store::{Span, Summary};

pub(crate) use figures::{Figures, Group, beginning};
pub(crate) use statistics::{Share, Spread};

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages;
use crate::problem::{PageProblem, Problem};

/// The periods that can be asked for, days.
pub(crate) const PERIODS: [i32; 3] = [7, 30, 90];
/// The one that is shown without asking.
pub(crate) const DEFAULT_PERIOD: i32 = 30;
/// Most workflows of one final state that are looked at.
const MAX_PER_STATE: usize = 1_000;
/// Most expenses that are looked at.
const MAX_EXPENSES: usize = 20_000;

#[derive(Deserialize)]
pub(crate) struct Period {
    days: Option<String>,
}

/// The period that somebody asks for.
pub(crate) fn period(days: Option<&str>) -> Result<i32, Problem> {
    let Some(days) = days else { return Ok(DEFAULT_PERIOD) };
    let found = PERIODS.into_iter().find(|period| period.to_string() == days);
    found.ok_or_else(|| Problem::bad_request("`days` must be 7, 30 or 90"))
}

/// `GET /analytics`.
pub(crate) async fn page<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<Period>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let viewer = asking.viewer()?;
    let figures = gather(&console, period(query.days.as_deref())?).await?;
    Ok(pages::page(&pages::analytics(&figures, viewer, &console.settings.base_url)?))
}

/// The figures of the last so many days: 7 queries for the final states, and one for every calendar month.
pub(crate) async fn gather<B: Backend>(console: &Console<B>, days: i32) -> Result<Figures, Problem> {
    let now = (console.now)();
    let since = beginning(now, days);
    let ended = ended(&console.backend, since, MAX_PER_STATE);
    let ((ended, more), (expenses, more_expenses)) = try_join(ended, expenses(&console.backend, since, now)).await?;
    Ok(Figures::of(&ended, &expenses, days, now, more || more_expenses))
}

/// Workflows that ended at `since` or later, the last one first, at most `limit` of each state; and whether there are
/// more.
pub(crate) async fn ended<B: Backend>(
    backend: &B,
    since: Timestamp,
    limit: usize,
) -> Result<(Vec<Summary>, bool), Problem> {
    let span = Span::since(since, limit);
    let states = WorkflowState::ALL.into_iter().filter(|state| state.is_terminal());
    let pages = try_join_all(states.map(|state| backend.summaries(state, &span))).await?;
    let more = pages.iter().any(|(_, more)| *more);
    let mut ended: Vec<Summary> = pages.into_iter().flat_map(|(found, _)| found).collect();
    ended.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    Ok((ended, more))
}

/// What was spent since.
pub(crate) async fn expenses<B: Backend>(
    backend: &B,
    since: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Expense>, bool), Problem> {
    Ok(backend.expenses(since, now, MAX_EXPENSES).await?)
}

//! The home page: what waits for the reader, what runs, what was done, and what it cost.
//!
//! Its reads, besides the session's: one query for each address of the reader (the inbox, whose rows say all that a list
//! needs), one for each of the 17 states, two for the queues, and one or two for the last week's expenses (by calendar
//! month). None grows with the number of open gates but the inbox's own.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use domain::ids::GateId;
use domain::slot::SlotPool;
use domain::workflow::Expense;
use domain::{Timestamp, WorkflowState};
use futures::future::try_join_all;
use futures::try_join;
use serde::Deserialize;
use store::{InboxItem, Span, Summary};

use crate::Console;
use crate::analytics::{self, Figures, beginning};
use crate::api::{approvals, cursor};
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, HomeFacts, Inbox};
use crate::problem::{PageProblem, Problem};

/// Gates on a page of the inbox.
const INBOX_PAGE: usize = 25;
/// Most workflows of one live state.
const MAX_LIVE: usize = 20;
/// Most workflows of one final state that the figures are made from.
const MAX_ENDED: usize = 100;
/// Most workflows among those that ended last.
const MAX_DONE: usize = 10;
/// How far the figures look back, days.
const DAYS: i32 = 7;

#[derive(Deserialize)]
pub(crate) struct HomeQuery {
    /// Where the page of the inbox before ended.
    after: Option<String>,
}

/// `GET /`.
pub(crate) async fn home<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<HomeQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let viewer = asking.viewer()?;
    let after = query.after.as_deref().map(cursor::read::<GateId>).transpose()?;
    let (backend, now) = (&console.backend, (console.now)());
    let since = beginning(now, DAYS);
    let ((inbox, live), (ended, more), (expenses, more_expenses), queues) = try_join!(
        async { try_join!(approvals::inbox(backend, viewer.person()), live(backend)) },
        analytics::ended(backend, since, MAX_ENDED),
        analytics::expenses(backend, since, now),
        async { Ok(try_join!(backend.line(SlotPool::Plan), backend.line(SlotPool::Run))?) },
    )?;
    let (waiting, running): (Vec<_>, Vec<_>) = live.into_iter().partition(|it| it.state.is_waiting_for_person());
    let facts = HomeFacts {
        inbox: page_of(inbox, after),
        waiting,
        running,
        queues: [(SlotPool::Plan, queues.0), (SlotPool::Run, queues.1)],
        figures: Figures::of(&ended, &expenses, DAYS, now, more || more_expenses),
        spent_today: spent_since(&expenses, beginning(now, 1)),
        done: ended.into_iter().take(MAX_DONE).collect(),
        now,
    };
    Ok(pages::page(&pages::home(&facts, viewer, &console.settings.base_url)))
}

/// The part of an inbox that stands after a place.
fn page_of(mut items: Vec<InboxItem>, after: Option<(Timestamp, GateId)>) -> Inbox {
    let total = items.len();
    if let Some(after) = after {
        approvals::keep_after(&mut items, &after);
    }
    let more = items.len() > INBOX_PAGE;
    items.truncate(INBOX_PAGE);
    let next = items.last().filter(|_| more).map(|last| cursor::after(last.due_at, &last.gate));
    Inbox { items, total, next }
}

/// Workflows that have not ended, the one changed last first, some of each state.
async fn live<B: Backend>(backend: &B) -> Result<Vec<Summary>, Problem> {
    let span = Span::newest(MAX_LIVE);
    let states = WorkflowState::ALL.into_iter().filter(|state| !state.is_terminal());
    let pages = try_join_all(states.map(|state| backend.summaries(state, &span))).await?;
    let mut live: Vec<Summary> = pages.into_iter().flat_map(|(found, _)| found).collect();
    live.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    Ok(live)
}

fn spent_since(expenses: &[Expense], since: Timestamp) -> u64 {
    expenses.iter().filter(|expense| expense.at >= since).map(|expense| expense.micro_usd).sum()
}

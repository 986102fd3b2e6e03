//! Running the service: what failed and how it goes on, what takes long, dead letters, and pools that rest.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::dead_letters::DeadLetterQueue;
use domain::slot::{Pause, SlotPool};
use domain::state::RESUMPTIONS;
use domain::workflow::Workflow;
use domain::{Timestamp, WorkflowState, text};
use futures::future::try_join_all;
use futures::try_join;
use jiff::SignedDuration;
use serde::Deserialize;
use store::{Span, Summary};

use crate::Console;
use crate::analytics::beginning;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, OperationsFacts};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// What this page's forms are for.
pub(crate) const OPERATIONS: &str = "operations";
/// How far the list of failed work looks back, days.
const DAYS: i32 = 14;
/// Most failed workflows of one sort.
const MAX_FAILED: usize = 10;
/// Most live workflows of one state that are looked at. Those that stand still for longest are the last of a list.
const MAX_LIVE: usize = 500;
/// How long a machine's state may last before it counts as slow, minutes: the alarm's two hours.
const SLOW_MINUTES: i64 = 120;
/// Longest reason of a pause, characters.
const MAX_REASON: usize = 500;

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    /// How many dead letters were handed back just now.
    moved: Option<u32>,
}

/// `GET /operations`.
pub(crate) async fn page<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<PageQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.operator()?;
    let viewer = asking.viewer()?;
    let (backend, now) = (&console.backend, (console.now)());
    let (failed, live, lines) = try_join!(failed(backend, beginning(now, DAYS)), live(backend), async {
        Ok(try_join!(backend.line(SlotPool::Plan), backend.line(SlotPool::Run))?)
    },)?;
    let dead_letters = backend.dead_letters().await.inspect_err(|failure| {
        tracing::warn!(%failure, "the queues of dead letters could not be looked at");
    });
    let facts = OperationsFacts {
        failed,
        slow: live.into_iter().filter(|it| is_slow(it, now)).collect(),
        dead_letters: dead_letters.ok(),
        pauses: [(SlotPool::Plan, lines.0.pause), (SlotPool::Run, lines.1.pause)],
        moved: query.moved,
        now,
    };
    Ok(pages::page(&pages::operations(&facts, viewer, &console.settings.base_url)))
}

/// Workflows that ended without their result and can go on, the one that ended last first.
async fn failed<B: Backend>(backend: &B, since: Timestamp) -> Result<Vec<Workflow>, Problem> {
    let span = Span::since(since, MAX_FAILED);
    let pages = try_join_all(RESUMPTIONS.iter().map(|(state, _)| backend.summaries(*state, &span))).await?;
    let found = pages.into_iter().flat_map(|(found, _)| found);
    let mut workflows = try_join_all(found.map(async |it| backend.workflow(&it.id).await)).await?;
    // One may have gone on since the list was read.
    workflows.retain(Workflow::may_resume);
    workflows.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    Ok(workflows)
}

/// Workflows that a machine works on.
async fn live<B: Backend>(backend: &B) -> Result<Vec<Summary>, Problem> {
    let span = Span::newest(MAX_LIVE);
    let states = WorkflowState::ALL.into_iter().filter(|it| !it.is_terminal() && !it.is_waiting_for_person());
    let pages = try_join_all(states.map(|state| backend.summaries(state, &span))).await?;
    Ok(pages.into_iter().flat_map(|(found, _)| found).collect())
}

fn is_slow(workflow: &Summary, now: Timestamp) -> bool {
    let since = workflow.stats.entered_at.unwrap_or(workflow.updated_at);
    now.duration_since(since) >= SignedDuration::from_mins(SLOW_MINUTES)
}

#[derive(Deserialize)]
pub(crate) struct PauseForm {
    token: String,
    pool: SlotPool,
    /// `rest` or `go-on`.
    wish: String,
    #[serde(default)]
    reason: String,
}

/// `POST /operations/pause`.
pub(crate) async fn pause<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    form: Result<Form<PauseForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    let operator = asking.operator()?;
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. Nothing was changed."))?;
    asking.own_form(OPERATIONS, &form.token)?;
    let pause = match form.wish.as_str() {
        "go-on" => None,
        "rest" => Some(Pause {
            by: operator.person().label().to_owned(),
            since: (console.now)(),
            reason: text::one_line(&form.reason, MAX_REASON),
        }),
        _ => return Err(Problem::bad_request("Please choose one of the two. Nothing was changed.").into()),
    };
    console.backend.set_pause(form.pool, pause).await.map_err(Problem::from)?;
    Ok(redirect(&format!("{}/operations", console.settings.base_url))?)
}

#[derive(Deserialize)]
pub(crate) struct RedriveForm {
    token: String,
    queue: DeadLetterQueue,
}

/// `POST /operations/dead-letters`.
pub(crate) async fn redrive<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    form: Result<Form<RedriveForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.operator()?;
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. Nothing was handed back."))?;
    let (viewer, _) = asking.own_form(OPERATIONS, &form.token)?;
    let redriven = console.backend.redrive(form.queue).await.map_err(Problem::from)?;
    tracing::warn!(
        by = viewer.person().label(),
        queue = form.queue.as_str(),
        ?redriven,
        "dead letters were handed back"
    );
    Ok(redirect(&format!("{}/operations?moved={}", console.settings.base_url, redriven.moved))?)
}

//! Workflows.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use domain::audit::AuditEntry;
use domain::ids::Revision;
use domain::spec::Spec;
use domain::workflow::Workflow;
use domain::{Digest, WorkflowState};
use serde::{Deserialize, Serialize};
use store::{LogLine, StoreError};

use super::{read, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{ApiProblem, Problem};
use crate::view::{newest, stop};

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 200;
const MAX_LINES: i32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    limit: Option<i32>,
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Listed {
    workflows: Vec<Item>,
    cursor: Option<String>,
}

/// A workflow and the address of its page.
#[derive(Serialize)]
pub(crate) struct Item {
    #[serde(flatten)]
    workflow: Workflow,
    page: String,
}

/// `GET /api/workflows`: of one state with a cursor, or the newest of all states.
pub(crate) async fn list<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
    asking: Asking,
) -> Result<Json<Listed>, ApiProblem> {
    asking.viewer()?;
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` must be 1 to {MAX_LIMIT}")).into());
    }
    let (workflows, cursor) = match (&query.state, &query.cursor) {
        (Some(state), cursor) => {
            let state: WorkflowState =
                state.parse().map_err(|error| Problem::bad_request(format!("`state`: {error}")))?;
            let page = console.backend.in_state(state, limit, cursor.as_deref()).await.map_err(bad_cursor)?;
            (page.workflows, page.cursor)
        }
        (None, None) => {
            let mut all = newest(&console.backend, WorkflowState::ALL, limit).await?;
            all.truncate(usize::try_from(limit).unwrap_or(0));
            (all, None)
        }
        (None, Some(_)) => {
            return Err(Problem::bad_request("a `cursor` goes with the `state` that it came from").into());
        }
    };
    Ok(Json(Listed { workflows: workflows.into_iter().map(|workflow| item(&console, workflow)).collect(), cursor }))
}

fn bad_cursor(error: StoreError) -> Problem {
    match error {
        StoreError::Malformed { what, reason } => Problem::bad_request(format!("{what}: {reason}")),
        other => other.into(),
    }
}

fn item<B: Backend>(console: &Console<B>, workflow: Workflow) -> Item {
    Item { page: workflow.id.page(&console.settings.base_url), workflow }
}

/// `GET /api/workflows/{id}`.
pub(crate) async fn one<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Json<Item>, ApiProblem> {
    asking.viewer()?;
    Ok(Json(item(&console, console.backend.workflow(&workflow_id(&id)?).await?)))
}

#[derive(Serialize)]
pub(crate) struct Timeline {
    entries: Vec<AuditEntry>,
    verified: bool,
    problem: Option<String>,
}

/// `GET /api/workflows/{id}/timeline`: the audit trail, and whether its chain holds.
pub(crate) async fn timeline<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Json<Timeline>, ApiProblem> {
    asking.viewer()?;
    let id = workflow_id(&id)?;
    console.backend.workflow(&id).await?;
    let trail = console.backend.trail(&id).await?;
    let problem = trail.verify().err().map(|broken| broken.to_string());
    Ok(Json(Timeline { entries: trail.readable(), verified: problem.is_none(), problem }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    after: Option<String>,
    limit: Option<i32>,
}

#[derive(Serialize)]
pub(crate) struct Logs {
    lines: Vec<LogLine>,
    /// What to ask for next as `after`; stays the same while nothing is new.
    after: Option<String>,
}

/// `GET /api/workflows/{id}/logs`.
pub(crate) async fn logs<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    query: Result<Query<LogQuery>, axum::extract::rejection::QueryRejection>,
    asking: Asking,
) -> Result<Json<Logs>, ApiProblem> {
    asking.viewer()?;
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(MAX_LINES).clamp(1, MAX_LINES);
    let id = workflow_id(&id)?;
    let lines = console.backend.logs(&id, query.after.as_deref(), limit).await?;
    let after = lines.last().map(LogLine::position).or(query.after);
    Ok(Json(Logs { lines, after }))
}

#[derive(Serialize)]
pub(crate) struct SpecAnswer {
    spec: Spec,
    digest: Digest,
    revision: Revision,
    approved: bool,
}

/// `GET /api/workflows/{id}/spec`: the current revision's.
pub(crate) async fn spec<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Json<SpecAnswer>, ApiProblem> {
    asking.viewer()?;
    let id = workflow_id(&id)?;
    let workflow = console.backend.workflow(&id).await?;
    let found = workflow.spec.ok_or_else(Problem::not_found)?;
    let spec = console.backend.spec(&id, workflow.revision, found.digest).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(SpecAnswer { spec, digest: found.digest, revision: workflow.revision, approved: found.approved }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    #[serde(default)]
    reason: String,
}

/// `POST /api/workflows/{id}/cancel`. It takes effect at the workflow's next step, so the answer is 202.
pub(crate) async fn cancel<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    body: Bytes,
) -> Result<(StatusCode, Json<Item>), ApiProblem> {
    asking.by_token()?;
    let operator = asking.operator()?;
    let id = workflow_id(&id)?;
    let CancelBody { reason } = if body.is_empty() { CancelBody::default() } else { read(&body)? };
    let workflow = stop(&console, &id, &operator, &reason).await?;
    Ok((StatusCode::ACCEPTED, Json(item(&console, workflow))))
}

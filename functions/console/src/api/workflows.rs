//! Workflows.

#![expect(unused_qualifications, reason = "in what utoipa's macro makes of the parameters")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::audit::AuditEntry;
use domain::{Timestamp, WorkflowState};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{LogLine, Span, Summary};
use utoipa::{IntoParams, ToSchema};

use super::entries::{WorkflowDetail, WorkflowItem, WorkflowList};
use super::fields::State as StateName;
use super::openapi::{ChangeProblems, IdProblems};
use super::{ApiBody, ApiPath, ApiQuery, DEFAULT_LIMIT, MAX_LIMIT, cursor, within, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{ApiProblem, Problem};
use crate::view::stop;

const MAX_LINES: usize = 1_000;

/// Which workflows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<StateName>, inline)]
    state: Option<String>,
    /// At most so many; 50 without it.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `cursor` of the page before, asked for with the same `state`.
    #[param(max_length = 200, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// Workflows, of one state or of all, the one changed last first.
#[utoipa::path(
    get,
    path = "/api/workflows",
    params(ListQuery),
    responses((status = 200, description = "A page of the list.", body = WorkflowList), IdProblems)
)]
pub(crate) async fn list<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    query: ApiQuery<ListQuery>,
) -> Result<Json<WorkflowList>, ApiProblem> {
    asking.viewer()?;
    let query = query.read()?;
    let limit = within("limit", query.limit.unwrap_or(DEFAULT_LIMIT), MAX_LIMIT)?;
    let states = match &query.state {
        Some(state) => vec![state.parse().map_err(|error| Problem::bad_request(format!("`state`: {error}")))?],
        None => WorkflowState::ALL.to_vec(),
    };
    let after = query.cursor.as_deref().map(cursor::read).transpose()?;
    let span = Span { since: Timestamp::UNIX_EPOCH, after, limit };
    let pages = try_join_all(states.into_iter().map(|state| console.backend.summaries(state, &span))).await?;
    let more = pages.iter().any(|(_, more)| *more);
    let mut found: Vec<Summary> = pages.into_iter().flat_map(|(found, _)| found).collect();
    found.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    let more = more || found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| more).map(|last| cursor::after(last.updated_at, &last.id));
    let base_url = &console.settings.base_url;
    Ok(Json(WorkflowList { workflows: found.into_iter().map(|it| WorkflowItem::new(it, base_url)).collect(), cursor }))
}

/// A workflow.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}",
    params(("id" = String, Path, description = "A workflow's id.", example = "wf-00000000000000000000-1")),
    responses((status = 200, description = "The workflow.", body = WorkflowDetail), IdProblems)
)]
pub(crate) async fn one<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
) -> Result<Json<WorkflowDetail>, ApiProblem> {
    asking.viewer()?;
    let workflow = console.backend.workflow(&workflow_id(&id)?).await?;
    Ok(Json(WorkflowDetail::new(workflow, &console.settings.base_url)))
}

/// An entry of an audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    /// Counts from 1.
    seq: u64,
    /// When.
    at: Timestamp,
    /// Who or what.
    actor: String,
    /// The state before.
    #[schema(value_type = StateName)]
    from: WorkflowState,
    /// The state after.
    #[schema(value_type = StateName)]
    to: WorkflowState,
    /// What happened: an object with its sort as `type`, and fields that depend on it.
    #[schema(value_type = Object)]
    event: Value,
    /// The hash of the entry before.
    previous: String,
    /// Its own hash.
    hash: String,
}

impl TryFrom<AuditEntry> for TimelineEntry {
    type Error = Problem;

    fn try_from(entry: AuditEntry) -> Result<Self, Problem> {
        let unwritable = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "An entry cannot be written as JSON.");
        Ok(Self {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor.label(),
            from: entry.from,
            to: entry.to,
            event: serde_json::to_value(&entry.event).map_err(unwritable)?,
            previous: entry.previous.to_string(),
            hash: entry.hash.to_string(),
        })
    }
}

/// An audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// In order.
    entries: Vec<TimelineEntry>,
    /// Whether the chain of hashes holds.
    verified: bool,
    /// Where it does not.
    problem: Option<String>,
}

/// What happened to a workflow, and whether the audit trail's chain holds.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}/timeline",
    params(("id" = String, Path, description = "A workflow's id.")),
    responses((status = 200, description = "The audit trail.", body = Timeline), IdProblems)
)]
pub(crate) async fn timeline<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
) -> Result<Json<Timeline>, ApiProblem> {
    asking.viewer()?;
    let id = workflow_id(&id)?;
    console.backend.workflow(&id).await?;
    let trail = console.backend.trail(&id).await?;
    let problem = trail.verify().err().map(|broken| broken.to_string());
    let entries = trail.readable().into_iter().map(TimelineEntry::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Timeline { entries, verified: problem.is_none(), problem }))
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// Those after this place: the `after` of the answer before. What cannot be a place is the beginning.
    after: Option<String>,
    /// At most so many; 1,000 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A line of a sandbox's progress.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogEntry {
    /// Its place among the workflow's lines.
    position: String,
    /// Which attempt.
    attempt: u32,
    /// Which sandbox: `agent` or `qa`.
    run: &'static str,
    /// Its number within the run.
    seq: u64,
    /// When, by the sandbox's clock.
    at: Timestamp,
    /// What happened: an object with its sort as `type`, and fields that depend on it.
    #[schema(value_type = Object)]
    event: Value,
}

/// Lines of progress.
#[derive(Serialize, ToSchema)]
pub(crate) struct Logs {
    /// In order.
    lines: Vec<LogEntry>,
    /// What to ask for next as `after`; stays the same while nothing is new.
    after: Option<String>,
}

/// The progress of a workflow's sandboxes.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}/logs",
    params(("id" = String, Path, description = "A workflow's id."), LogQuery),
    responses((status = 200, description = "Lines after a place.", body = Logs), IdProblems)
)]
pub(crate) async fn logs<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    query: ApiQuery<LogQuery>,
) -> Result<Json<Logs>, ApiProblem> {
    asking.viewer()?;
    let query = query.read()?;
    let limit = within("limit", query.limit.unwrap_or(MAX_LINES), MAX_LINES)?;
    let id = workflow_id(&id)?;
    console.backend.workflow(&id).await?;
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let lines = console.backend.logs(&id, query.after.as_deref(), limit).await?;
    let lines = lines.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let after = lines.last().map(|line| line.position.clone()).or(query.after);
    Ok(Json(Logs { lines, after }))
}

fn entry(line: &LogLine) -> Result<LogEntry, Problem> {
    let unwritable = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "A line cannot be written as JSON.");
    Ok(LogEntry {
        position: line.position(),
        attempt: line.attempt.get(),
        run: line.run.as_str(),
        seq: line.seq,
        at: line.at,
        event: serde_json::to_value(&line.event).map_err(unwritable)?,
    })
}

/// A SPEC.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpecAnswer {
    /// The SPEC, as its digest was taken of it.
    #[schema(value_type = Object)]
    spec: Value,
    /// SHA-256 of its canonical JSON.
    digest: String,
    /// Its revision.
    revision: u32,
    /// Whether it is approved.
    approved: bool,
}

/// The SPEC of a workflow's current revision.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}/spec",
    params(("id" = String, Path, description = "A workflow's id.")),
    responses((status = 200, description = "The SPEC.", body = SpecAnswer), IdProblems)
)]
pub(crate) async fn spec<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
) -> Result<Json<SpecAnswer>, ApiProblem> {
    asking.viewer()?;
    let id = workflow_id(&id)?;
    let workflow = console.backend.workflow(&id).await?;
    let found = workflow.spec.ok_or_else(Problem::not_found)?;
    let spec = console.backend.spec(&id, workflow.revision, found.digest).await?.ok_or_else(Problem::not_found)?;
    let unwritable = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The SPEC cannot be written as JSON.");
    let spec = serde_json::to_value(&spec).map_err(unwritable)?;
    let (digest, revision) = (found.digest.to_string(), workflow.revision.get());
    Ok(Json(SpecAnswer { spec, digest, revision, approved: found.approved }))
}

/// Why a workflow is to stop.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    /// In words for people.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
}

/// Stop a workflow. It takes effect at the workflow's next step.
#[utoipa::path(
    post,
    path = "/api/workflows/{id}/cancel",
    params(("id" = String, Path, description = "A workflow's id.")),
    request_body(content = Option<CancelBody>, description = "May be left out."),
    security(("token" = [])),
    responses((status = 202, description = "It will stop.", body = WorkflowDetail), ChangeProblems)
)]
pub(crate) async fn cancel<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<(StatusCode, Json<WorkflowDetail>), ApiProblem> {
    asking.by_token()?;
    let operator = asking.operator()?;
    let id = workflow_id(&id)?;
    let CancelBody { reason } = body.json_or_default()?;
    let workflow = stop(&console, &id, &operator, &reason).await?;
    Ok((StatusCode::ACCEPTED, Json(WorkflowDetail::new(workflow, &console.settings.base_url))))
}

//! Going on with a workflow that ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::workflow::ResumePoint;
use serde::Deserialize;
use utoipa::ToSchema;

use super::entries::WorkflowDetail;
use super::fields::Point;
use super::openapi::ChangeProblems;
use super::{ApiBody, ApiPath, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::ApiProblem;
use crate::resume::go_on;

/// How a workflow is to go on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// From where; without it from the point at which least is repeated. A workflow's `resume_points` are those that it
    /// can go on from.
    #[serde(default)]
    #[schema(value_type = Option<Point>, inline)]
    from: Option<ResumePoint>,
    /// Words for the planner or the coding agent, and for the audit trail.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
}

/// Go on with a workflow that ended without its result: the same workflow, with its approved SPEC, its branch and its
/// ledger, from the step that failed.
#[utoipa::path(
    post,
    path = "/api/workflows/{id}/retry",
    params(("id" = String, Path, description = "A workflow's id.")),
    request_body(content = Option<RetryBody>, description = "May be left out."),
    security(("token" = [])),
    responses((status = 202, description = "It goes on.", body = WorkflowDetail), ChangeProblems)
)]
pub(crate) async fn retry<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<(StatusCode, Json<WorkflowDetail>), ApiProblem> {
    asking.by_token()?;
    let operator = asking.operator()?;
    let id = workflow_id(&id)?;
    let RetryBody { from, reason } = body.json_or_default()?;
    let workflow = go_on(&console, &id, &operator, from, &reason).await?;
    Ok((StatusCode::ACCEPTED, Json(WorkflowDetail::new(workflow, &console.settings.base_url))))
}

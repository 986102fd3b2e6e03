//! The audit trail as JSON Lines.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::audit::export::MEDIA_TYPE;

use super::openapi::IdProblems;
use super::{ApiPath, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{ApiProblem, PROBLEM_TYPE, Problem, ProblemBody};

/// Largest answer, bytes: a function's is 6 MB at most.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// The audit trail to be kept and checked elsewhere: head and anchors, then an entry a line.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}/audit",
    params(("id" = String, Path, description = "A workflow's id.")),
    responses(
        (status = 200, description = "JSON Lines.", content_type = MEDIA_TYPE, body = String),
        (status = 413, description = "It is too long for one answer.", content_type = PROBLEM_TYPE, body = ProblemBody),
        IdProblems
    )
)]
pub(crate) async fn export<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
) -> Result<Response, ApiProblem> {
    asking.viewer()?;
    let id = workflow_id(&id)?;
    let evidence = console.backend.evidence(&id, (console.now)()).await?;
    if evidence.is_empty() {
        return Err(Problem::not_found().into());
    }
    let lines = evidence.to_lines();
    if lines.len() > MAX_BYTES {
        let detail = "The trail is too long for one answer. `cargo xtask audit export` writes it to a file.";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).into());
    }
    let kind = format!("{MEDIA_TYPE}; charset=utf-8");
    let name = format!("attachment; filename=\"audit-{id}.jsonl\"");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], lines).into_response())
}

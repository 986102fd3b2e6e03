//! The audit trail as JSON Lines.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::audit::export::MEDIA_TYPE;

use super::workflow_id;
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{ApiProblem, Problem};

/// Largest answer, bytes: a function's is 6 MB at most.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// `GET /api/workflows/{id}/audit`: head and anchors, then an entry a line, to be kept and checked elsewhere.
pub(crate) async fn export<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
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

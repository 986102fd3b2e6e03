//! The page of an audit trail.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::Console;
use crate::backend::Backend;
use crate::pages;
use crate::problem::{PageProblem, Problem};
use crate::view::{ViewQuery, enter};

/// Also shown where the workflow's row is gone: what is left of the trail says more than that nothing is there.
pub(crate) async fn show<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    Query(query): Query<ViewQuery>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    let (id, reader) = enter(&console, &id, &headers, query.view).await?;
    let evidence = console.backend.evidence(&id, (console.now)()).await?;
    if evidence.is_empty() {
        return Err(Problem::not_found().into());
    }
    Ok(pages::page(&pages::audit(&evidence, &reader, &console.base_url)))
}

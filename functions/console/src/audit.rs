//! The page of an audit trail.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages;
use crate::problem::{PageProblem, Problem};

/// Also shown where the workflow's row is gone: what is left of the trail says more than that nothing is there.
pub(crate) async fn show<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.viewer()?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let evidence = console.backend.evidence(&id, (console.now)()).await?;
    if evidence.is_empty() {
        return Err(Problem::not_found().into());
    }
    Ok(pages::page(&pages::audit(&evidence, &console.settings.base_url)))
}

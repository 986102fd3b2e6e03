//! Figures about many workflows.

#![expect(unused_qualifications, reason = "in what utoipa's macro makes of the parameters")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiQuery;
use super::openapi::ReadProblems;
use crate::Console;
use crate::analytics::{Figures, gather, period};
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::ApiProblem;

/// Which period.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyticsQuery {
    /// How many days to look back: 7, 30 or 90; 30 without it.
    #[param(pattern = "^(7|30|90)$")]
    days: Option<String>,
}

/// What the last days came to: the figures of the page `/analytics`.
#[utoipa::path(
    get,
    path = "/api/analytics",
    params(AnalyticsQuery),
    responses((status = 200, description = "The figures.", body = Figures), ReadProblems)
)]
pub(crate) async fn analytics<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    query: ApiQuery<AnalyticsQuery>,
) -> Result<Json<Figures>, ApiProblem> {
    asking.viewer()?;
    let days = period(query.read()?.days.as_deref())?;
    Ok(Json(gather(&console, days).await?))
}

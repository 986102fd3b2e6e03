//! Repositories.

use axum::Json;
use serde_json::Value;

use super::context::{Context, METADATA};
use crate::error::ApiResult;
use crate::view;

pub(super) async fn get(context: Context) -> ApiResult<Json<Value>> {
    let access = context.access(METADATA)?;
    let repo = context.sim.repo(&access.name)?;
    Ok(Json(view::full_repository(&context.sim, &repo)))
}

//! The JSON API.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod metrics;
pub(crate) mod workflows;

use axum::body::Bytes;
use domain::ids::WorkflowId;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

fn workflow_id(text: &str) -> Result<WorkflowId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Reads a body; an error names the field.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Problem::bad_request(format!("`{}`: {}", error.path(), error.inner())))?;
    json.end().map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(value)
}

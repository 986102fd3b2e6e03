//! The JSON API.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod metrics;
pub(crate) mod workflows;

use axum::body::Bytes;
use axum::http::HeaderMap;
use domain::ids::WorkflowId;
use serde::de::DeserializeOwned;

use crate::Console;
use crate::access::TokenHolder;
use crate::backend::{Backend, Secrets};
use crate::problem::Problem;

/// Lets only holders of the API token in.
async fn enter<B: Backend>(console: &Console<B>, headers: &HeaderMap) -> Result<(TokenHolder, Secrets), Problem> {
    let secrets = console.backend.secrets().await?;
    Ok((TokenHolder::check(&secrets, headers)?, secrets))
}

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

//! The JSON API. What it reads and answers are types of its own, from which its description is made; what is stored may
//! change without it.

pub(crate) mod analytics;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod cursor;
mod decision;
pub(crate) mod desk;
pub(crate) mod diff;
mod entries;
mod fields;
mod input;
pub(crate) mod metrics;
pub(crate) mod openapi;
mod plan;
pub(crate) mod resume;
pub(crate) mod workflows;

pub(crate) use fields::{State as StateName, usd};
pub(crate) use input::{ApiBody, ApiPath, ApiQuery};

use domain::ids::WorkflowId;

use crate::problem::Problem;

/// Entries of a page without a `limit`.
const DEFAULT_LIMIT: usize = 50;
/// Most entries of a page.
const MAX_LIMIT: usize = 200;

fn within(name: &str, number: usize, max: usize) -> Result<usize, Problem> {
    if (1..=max).contains(&number) {
        return Ok(number);
    }
    Err(Problem::bad_request(format!("`{name}` must be 1 to {max}")))
}

fn workflow_id(text: &ApiPath) -> Result<WorkflowId, Problem> {
    text.0.parse().map_err(|_| Problem::not_found())
}

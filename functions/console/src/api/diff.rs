//! The lines of a change.

#![expect(unused_qualifications, reason = "in what utoipa's macro makes of the parameters")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::diff::{ChangeDiff, DiffBody, FileDiff};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi::IdProblems;
use super::{ApiPath, ApiQuery, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::diff::{choose, read, verified};
use crate::problem::{ApiProblem, Problem};

/// Which attempt.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    /// The attempt; without it the last one whose change was verified.
    #[param(minimum = 1)]
    attempt: Option<u32>,
}

/// What a verified change changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Diff {
    /// The attempt.
    attempt: u32,
    /// The commit below the change.
    base_commit: String,
    /// Digest of the change set's archive.
    change_set: String,
    /// Every changed file, protected ones first.
    files: Vec<DiffFile>,
}

/// What becomes of one file.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffFile {
    /// Where.
    path: String,
    /// What, as the approved SPEC names it: `create`, `modify` or `delete`.
    action: &'static str,
    /// Why the path is protected, if it is.
    protected: Option<&'static str>,
    /// Whether the path came into the SPEC by an amendment.
    by_amendment: bool,
    /// Whether the file is executable afterwards.
    executable: bool,
    /// Lines that are new.
    added: u32,
    /// Lines that are gone.
    removed: u32,
    /// Why there are no lines: `binary`, `too_large`, `withheld` or `unknown`.
    without: Option<&'static str>,
    /// Stretches of lines.
    hunks: Vec<DiffHunk>,
    /// How many lines more there are.
    omitted: u32,
}

/// A stretch of a file.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffHunk {
    /// The number of its first line before the change, from 1; 0 where there is none.
    old_start: u32,
    /// The same after the change.
    new_start: u32,
    /// Lines, each with a space, `+` or `-` before it, as in a unified diff.
    lines: Vec<String>,
}

impl From<ChangeDiff> for Diff {
    fn from(diff: ChangeDiff) -> Self {
        Self {
            attempt: diff.attempt.get(),
            base_commit: diff.base_commit.into(),
            change_set: diff.change_set.to_string(),
            files: diff.files.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<FileDiff> for DiffFile {
    fn from(file: FileDiff) -> Self {
        let (without, hunks, omitted) = match file.body {
            DiffBody::Lines { hunks, omitted } => (None, hunks, omitted),
            DiffBody::Binary => (Some("binary"), Vec::new(), 0),
            DiffBody::TooLarge => (Some("too_large"), Vec::new(), 0),
            DiffBody::Withheld => (Some("withheld"), Vec::new(), 0),
            DiffBody::Unknown => (Some("unknown"), Vec::new(), 0),
        };
        let hunk =
            |it: domain::diff::Hunk| DiffHunk { old_start: it.old_start, new_start: it.new_start, lines: it.lines };
        Self {
            path: file.path.as_str().to_owned(),
            action: file.action.as_str(),
            protected: file.protection.map(domain::path::Protection::describe),
            by_amendment: file.by_amendment,
            executable: file.executable,
            added: file.added,
            removed: file.removed,
            without,
            hunks: hunks.into_iter().map(hunk).collect(),
            omitted,
        }
    }
}

/// What a verified change changes, line by line. What is long is cut, and says so.
#[utoipa::path(
    get,
    path = "/api/workflows/{id}/diff",
    params(("id" = String, Path, description = "A workflow's id."), DiffQuery),
    responses((status = 200, description = "The change.", body = Diff), IdProblems)
)]
pub(crate) async fn diff<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    query: ApiQuery<DiffQuery>,
) -> Result<Json<Diff>, ApiProblem> {
    asking.viewer()?;
    let query = query.read()?;
    let id = workflow_id(&id)?;
    console.backend.workflow(&id).await?;
    let trail = console.backend.trail(&id).await?.readable();
    let found = choose(&verified(&trail), query.attempt);
    let diff = read(&console.backend, &id, found).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(diff.into()))
}

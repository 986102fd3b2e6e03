//! Having a workflow go on that ended without its result.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::WorkflowId;
use domain::workflow::{ResumePoint, Workflow};
use serde::Deserialize;

use crate::Console;
use crate::backend::Backend;
use crate::caller::{Asking, Operator};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// What the form for going on is for.
pub(crate) const RETRY: &str = "retry";
/// Longest words, characters.
pub(crate) const MAX_WORDS: usize = 2_000;

#[derive(Deserialize)]
pub(crate) struct RetryForm {
    token: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    words: String,
}

/// `POST /workflows/{id}/retry`.
pub(crate) async fn retry<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<RetryForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    let operator = asking.operator()?;
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. Nothing was started."))?;
    asking.own_form(RETRY, &form.token)?;
    let id: WorkflowId = id.parse().map_err(|_| Problem::not_found())?;
    let from = match form.from.as_str() {
        "" => None,
        name => Some(name.parse().map_err(|error| Problem::bad_request(format!("{error}. Nothing was started.")))?),
    };
    go_on(&console, &id, &operator, from, &form.words).await?;
    Ok(redirect(&id.page(&console.settings.base_url))?)
}

/// Has a workflow go on: from a point, or from the one at which least is repeated.
pub(crate) async fn go_on<B: Backend>(
    console: &Console<B>,
    id: &WorkflowId,
    operator: &Operator<'_>,
    from: Option<ResumePoint>,
    words: &str,
) -> Result<Workflow, Problem> {
    if words.chars().count() > MAX_WORDS {
        let detail = format!("The words are more than {MAX_WORDS} characters. Nothing was started.");
        return Err(Problem::bad_request(detail));
    }
    let words = Some(words.trim()).filter(|words| !words.is_empty());
    // A workflow that does not exist is not found, and not a contradiction in our data.
    console.backend.workflow(id).await?;
    Ok(console.backend.resume(id, from, words, &operator.actor(), (console.now)()).await?)
}

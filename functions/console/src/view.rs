//! Pages for readers.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::ids::WorkflowId;
use domain::workflow::Workflow;
use serde::Deserialize;

use crate::Console;
use crate::backend::Backend;
use crate::caller::{Asking, Operator};
use crate::pages::{self, LogFacts, WorkflowFacts};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// Lines of progress on a workflow's page.
const LAST_LINES: i32 = 40;
/// Lines of progress on a page of them.
const LINES_PER_PAGE: i32 = 500;

#[derive(Deserialize)]
pub(crate) struct ViewQuery {
    after: Option<String>,
}

pub(crate) async fn workflow<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let viewer = asking.viewer()?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let facts = workflow_facts(&console, &id).await?;
    Ok(pages::page(&pages::workflow(&facts, viewer, &console.settings.base_url)))
}

pub(crate) async fn logs<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    Query(query): Query<ViewQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.viewer()?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let workflow = console.backend.workflow(&id).await?;
    let lines = console.backend.logs(&id, query.after.as_deref(), LINES_PER_PAGE).await?;
    let full = i32::try_from(lines.len()).is_ok_and(|number| number >= LINES_PER_PAGE);
    let next = lines.last().filter(|_| full).map(store::LogLine::position);
    let facts = LogFacts { workflow: &workflow, lines: &lines, next };
    Ok(pages::page(&pages::logs(&facts, &console.settings.base_url)))
}

/// What the form for stopping a workflow is for.
pub(crate) const CANCEL: &str = "cancel";

#[derive(Deserialize)]
pub(crate) struct CancelForm {
    token: String,
    #[serde(default)]
    reason: String,
}

/// `POST /workflows/{id}/cancel`. It takes effect at the workflow's next step.
pub(crate) async fn cancel<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<CancelForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    let operator = asking.operator()?;
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. Nothing was stopped."))?;
    asking.own_form(CANCEL, &form.token)?;
    let id: WorkflowId = id.parse().map_err(|_| Problem::not_found())?;
    stop(&console, &id, &operator, &form.reason).await?;
    Ok(redirect(&id.page(&console.settings.base_url))?)
}

/// Longest reason of a cancel, characters.
const MAX_REASON: usize = 2_000;

/// Asks a workflow to stop.
pub(crate) async fn stop<B: Backend>(
    console: &Console<B>,
    id: &WorkflowId,
    operator: &Operator<'_>,
    reason: &str,
) -> Result<Workflow, Problem> {
    if reason.chars().count() > MAX_REASON {
        return Err(Problem::bad_request(format!("`reason` has more than {MAX_REASON} characters")));
    }
    let reason = match reason.trim() {
        "" => format!("Cancelled by {}.", operator.person().label()),
        text => text.to_owned(),
    };
    // A workflow that does not exist is not found, and not a contradiction in our data.
    console.backend.workflow(id).await?;
    Ok(console.backend.cancel(id, &operator.actor(), &reason, (console.now)()).await?)
}

/// Everything on a workflow's page.
pub(crate) async fn workflow_facts<B: Backend>(
    console: &Console<B>,
    id: &WorkflowId,
) -> Result<WorkflowFacts, Problem> {
    let backend = &console.backend;
    let workflow = backend.workflow(id).await?;
    let (trail, lines) = futures::try_join!(backend.trail(id), backend.last_logs(id, LAST_LINES))?;
    let gate = match &workflow.open_gate {
        Some(gate) => backend.gate(gate).await?,
        None => None,
    };
    let spec = match &workflow.spec {
        Some(spec) => backend.spec(id, workflow.revision, spec.digest).await?,
        None => None,
    };
    let qa = match &workflow.qa {
        Some(qa) => backend.qa(id, qa.attempt, qa.report).await?,
        None => None,
    };
    let (broken, trail) = (trail.verify().err(), trail.readable());
    Ok(WorkflowFacts {
        workflow,
        trail,
        broken,
        lines,
        gate,
        spec,
        qa,
        budgets: console.settings.budgets,
        now: (console.now)(),
    })
}

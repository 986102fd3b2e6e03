//! Pages for readers.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::WorkflowState;
use domain::gate::Gate;
use domain::ids::WorkflowId;
use domain::view_token::View;
use domain::workflow::Workflow;
use futures::future::try_join_all;
use serde::Deserialize;

use crate::Console;
use crate::access::Reader;
use crate::backend::Backend;
use crate::pages::{self, ListFacts, LogFacts, WorkflowFacts};
use crate::problem::{PageProblem, Problem};

/// Most workflows of one state on the list.
const MAX_PER_STATE: i32 = 30;
/// Most ended workflows on the list.
const MAX_ENDED: usize = 30;
/// Lines of progress on a workflow's page.
const LAST_LINES: i32 = 40;
/// Lines of progress on a page of them.
const LINES_PER_PAGE: i32 = 500;

#[derive(Deserialize)]
pub(crate) struct ViewQuery {
    pub(crate) view: Option<String>,
    after: Option<String>,
}

pub(crate) async fn list<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<ViewQuery>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    let reader = Reader::check(&console.backend.secrets().await?, &headers, View::All, query.view)?;
    let all = newest(&console.backend, WorkflowState::ALL, MAX_PER_STATE).await?;
    let (ended, live): (Vec<_>, Vec<_>) = all.into_iter().partition(|workflow| workflow.state.is_terminal());
    let (waiting, running) = live.into_iter().partition(|workflow| workflow.state.is_waiting_for_person());
    let facts =
        ListFacts { waiting, running, ended: ended.into_iter().take(MAX_ENDED).collect(), now: (console.now)() };
    Ok(pages::page(&pages::list(&facts, &reader, &console.base_url)))
}

/// Workflows in any of these states, the one changed last first.
pub(crate) async fn newest<B: Backend>(
    backend: &B,
    states: impl IntoIterator<Item = WorkflowState>,
    per_state: i32,
) -> Result<Vec<Workflow>, Problem> {
    let pages = states.into_iter().map(|state| backend.in_state(state, per_state, None));
    let mut all: Vec<_> = try_join_all(pages).await?.into_iter().flat_map(|page| page.workflows).collect();
    all.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.id.cmp(&b.id)));
    Ok(all)
}

pub(crate) async fn workflow<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    Query(query): Query<ViewQuery>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    let (id, reader) = enter(&console, &id, &headers, query.view).await?;
    let facts = workflow_facts(&console, &id).await?;
    Ok(pages::page(&pages::workflow(&facts, &reader, &console.base_url)))
}

pub(crate) async fn logs<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    Query(query): Query<ViewQuery>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    let (id, reader) = enter(&console, &id, &headers, query.view).await?;
    let workflow = console.backend.workflow(&id).await?;
    let lines = console.backend.logs(&id, query.after.as_deref(), LINES_PER_PAGE).await?;
    let full = i32::try_from(lines.len()).is_ok_and(|number| number >= LINES_PER_PAGE);
    let next = lines.last().filter(|_| full).map(store::LogLine::position);
    let facts = LogFacts { workflow: &workflow, lines: &lines, next };
    Ok(pages::page(&pages::logs(&facts, &reader, &console.base_url)))
}

/// Whether the page may be read is answered before whether it exists.
pub(crate) async fn enter<B: Backend>(
    console: &Console<B>,
    id: &str,
    headers: &HeaderMap,
    view: Option<String>,
) -> Result<(WorkflowId, Reader), Problem> {
    let secrets = console.backend.secrets().await?;
    match id.parse::<WorkflowId>() {
        Ok(id) => {
            let reader = Reader::check(&secrets, headers, View::Workflow(&id), view)?;
            Ok((id, reader))
        }
        Err(_) => Reader::check(&secrets, headers, View::All, view).and_then(|_| Err(Problem::not_found())),
    }
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
    Ok(WorkflowFacts { workflow, trail, broken, lines, gate, spec, qa, now: (console.now)() })
}

/// The workflow and documents that a gate is about.
pub(crate) async fn gate_documents<B: Backend>(console: &Console<B>, gate: &Gate) -> Result<WorkflowFacts, Problem> {
    use domain::gate::Subject;
    let mut facts = workflow_facts(console, &gate.workflow_id).await?;
    // What is decided on is what the gate names, whatever the workflow did meanwhile.
    match &gate.subject {
        Subject::Spec { revision, spec_digest, .. } => {
            facts.spec = console.backend.spec(&gate.workflow_id, *revision, *spec_digest).await?;
        }
        Subject::Pr { qa_report, .. } => {
            let attempt = facts.workflow.qa.as_ref().map_or(facts.workflow.attempt, |qa| qa.attempt);
            facts.qa = console.backend.qa(&gate.workflow_id, attempt, *qa_report).await?;
        }
    }
    Ok(facts)
}

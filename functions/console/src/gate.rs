//! Deciding: what every form for it does, and the one for who is signed in and needs no link.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, GateStatus, Refusal, Verdict};
use domain::ids::{GateId, WorkflowId};
use domain::person::Actor;
use serde::Deserialize;

use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, FormFacts};
use crate::problem::{PageProblem, Problem, Refused};
use crate::sign_in::redirect;
use crate::{Console, view};

/// What a form sends.
#[derive(Deserialize)]
pub(crate) struct Answer {
    decision: String,
    #[serde(default)]
    pub(crate) comment: String,
    subject: String,
    pub(crate) nonce: String,
}

/// What became of it.
pub(crate) enum Outcome {
    /// It is decided, now or before.
    Decided,
    /// Nothing was decided: what the page has to say, and whether it was a refusal.
    Notice { text: String, refused: Option<Refused> },
}

/// Asks `approvals` to decide.
pub(crate) async fn submit<B: Backend>(
    console: &Console<B>,
    gate: &GateId,
    by: Actor,
    answer: &Answer,
) -> Result<Outcome, Problem> {
    let verdict = match answer.decision.as_str() {
        "approve" => Verdict::Approve,
        "revise" => Verdict::Revise,
        "reject" => Verdict::Reject,
        _ => {
            let text = "Please choose one of the three answers. Nothing was decided.".to_owned();
            return Ok(Outcome::Notice { text, refused: None });
        }
    };
    let request = DecisionRequest {
        verdict,
        by,
        subject_digest: answer.subject.parse().ok(),
        comment: Some(answer.comment.clone()).filter(|comment| !comment.trim().is_empty()),
        sections: Vec::new(),
    };
    match console.backend.decide(gate, request).await? {
        DecideAnswer::Decided { .. }
        | DecideAnswer::Counted { .. }
        | DecideAnswer::Refused { refusal: Refusal::AlreadyDecided { .. }, .. } => Ok(Outcome::Decided),
        DecideAnswer::Refused { message, refusal } => {
            Ok(Outcome::Notice { text: format!("Nothing was decided: {message}."), refused: personal(&refusal) })
        }
        DecideAnswer::NotFound => Err(Problem::not_found()),
    }
}

/// Why the gate refuses this person, where it is about the person.
pub(crate) fn personal(refusal: &Refusal) -> Option<Refused> {
    match refusal {
        Refusal::NotAnApprover => Some(Refused("the gate does not ask them")),
        Refusal::RequesterCannotApprove => Some(Refused("who asked for a change does not approve it")),
        _ => None,
    }
}

/// Back to the same page by GET, so that loading it again sends nothing again. The address is relative: the secret in
/// a link is not written into a header.
pub(crate) fn see_other() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("?decided"))]).into_response()
}

/// `GET /workflows/{id}/gate`.
pub(crate) async fn show<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.decider()?;
    asking.signed_in()?;
    match open(&console, &id).await? {
        Some(gate) => Ok(render(&console, &gate, &asking, None, "", StatusCode::OK).await?),
        None => Ok(redirect(&workflow_id(&id)?.page(&console.settings.base_url))?),
    }
}

/// `POST /workflows/{id}/gate`.
pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, PageProblem> {
    let decider = asking.decider()?;
    let nonce = form.as_ref().map(|Form(answer)| answer.nonce.clone()).unwrap_or_default();
    asking.same_origin()?;
    asking.signed_in()?;
    let Some(gate) = open(&console, &id).await? else {
        return Ok(redirect(&workflow_id(&id)?.page(&console.settings.base_url))?);
    };
    let Ok(Form(answer)) = form else {
        return Err(Problem::bad_request("The form is not whole. Nothing was decided; load the page again.").into());
    };
    if asking.own_form(&purpose(&gate), &nonce).is_err() {
        let notice = "This page was out of date. Nothing was decided; please check and send it again.";
        return Ok(render(&console, &gate, &asking, Some(notice), &answer.comment, StatusCode::CONFLICT).await?);
    }
    match submit(&console, &gate.id, decider.actor(), &answer).await? {
        Outcome::Decided => Ok(redirect(&gate.workflow_id.page(&console.settings.base_url))?),
        Outcome::Notice { text, refused } => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let mut response = render(&console, &gate, &asking, Some(&text), &answer.comment, status).await?;
            if let Some(refused) = refused {
                response.extensions_mut().insert(refused);
            }
            Ok(response)
        }
    }
}

/// What a form for this gate is for: it becomes void when the gate is about something else.
fn purpose(gate: &Gate) -> String {
    format!("gate {} {}", gate.id, gate.subject_digest)
}

fn workflow_id(text: &str) -> Result<WorkflowId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// The open gate of a workflow.
async fn open<B: Backend>(console: &Console<B>, id: &str) -> Result<Option<Gate>, Problem> {
    let workflow = console.backend.workflow(&workflow_id(id)?).await?;
    match &workflow.open_gate {
        Some(gate) => Ok(console.backend.gate(gate).await?),
        None => Ok(None),
    }
}

async fn render<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    asking: &Asking,
    notice: Option<&str>,
    comment: &str,
    status: StatusCode,
) -> Result<Response, Problem> {
    let facts = view::gate_documents(console, gate).await?;
    let markup = if gate.status == GateStatus::Pending && facts.now < gate.due_at {
        let (viewer, session) = asking.signed_in()?;
        let (nonce, recipient) = (session.form_token(&purpose(gate)), viewer.person());
        pages::gate(&facts, &FormFacts { gate, recipient, nonce: &nonce, notice, comment, sign_in: None })
    } else {
        pages::decided(&facts, gate)
    };
    Ok((status, pages::page(&markup)).into_response())
}

//! Deciding: the page and form of a gate, for who is signed in and for who comes by a link.

mod answer;
mod change;
mod documents;
mod edit;

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::gate::{Gate, GateStatus};
use domain::ids::WorkflowId;
use domain::person::Person;

pub(crate) use answer::{Answer, NOTE, Outcome, approval_of_edit, personal, submit};
pub(crate) use change::{MAX_HOURS, extend, hand_on, later};
pub(crate) use edit::{editable_by, form as edit_form, save as save_edit};

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, FormFacts};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// Where somebody sits who decides.
pub(crate) struct Seat<'a> {
    /// Who they are, or whom the link was sent to.
    pub(crate) person: &'a Person,
    /// The value that only our own form for them has.
    pub(crate) nonce: String,
    /// Where to sign in, for who is not.
    pub(crate) sign_in: Option<String>,
    /// Whether a mailed code does instead.
    pub(crate) codes: bool,
    /// Where one can do more than decide: for who is signed in.
    pub(crate) desk: Option<Desk>,
}

/// The gate's own page, and the value that only our own forms for it have.
pub(crate) struct Desk {
    pub(crate) page: String,
    pub(crate) nonce: String,
}

/// What a page has to say besides the gate: an answer that did not count, and why.
#[derive(Default)]
pub(crate) struct Said<'a> {
    pub(crate) notice: Option<&'a str>,
    pub(crate) answer: Option<&'a Answer>,
    pub(crate) status: StatusCode,
}

impl<'a> Said<'a> {
    pub(crate) fn again(notice: &'a str, answer: &'a Answer, status: StatusCode) -> Self {
        Self { notice: Some(notice), answer: Some(answer), status }
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
        Some(gate) => Ok(at_desk(&console, &gate, &asking, Said::default()).await?),
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
    asking.same_origin()?;
    asking.signed_in()?;
    let Some(gate) = open(&console, &id).await? else {
        return Ok(redirect(&workflow_id(&id)?.page(&console.settings.base_url))?);
    };
    let broken = || Problem::bad_request("The form is not whole. Nothing was decided; load the page again.");
    let Form(answer) = form.map_err(|_| broken())?;
    if asking.own_form(&purpose(&gate), answer.nonce().ok_or_else(broken)?).is_err() {
        let notice = "This page was out of date. Nothing was decided; please check and send it again.";
        return Ok(at_desk(&console, &gate, &asking, Said::again(notice, &answer, StatusCode::CONFLICT)).await?);
    }
    match submit(&console, &gate, decider.actor(), &answer).await? {
        Outcome::Decided => Ok(redirect(&gate.workflow_id.page(&console.settings.base_url))?),
        Outcome::Counted => Ok(see_other()),
        Outcome::Notice { text, refused } => {
            let said = Said::again(&text, &answer, StatusCode::UNPROCESSABLE_ENTITY);
            let mut response = at_desk(&console, &gate, &asking, said).await?;
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

/// The page for who is signed in.
async fn at_desk<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    asking: &Asking,
    said: Said<'_>,
) -> Result<Response, Problem> {
    let (viewer, session) = asking.signed_in()?;
    let nonce = session.form_token(&purpose(gate));
    let desk = desk(console, gate, asking);
    let seat = Seat { person: viewer.person(), nonce, sign_in: None, codes: false, desk };
    render(console, gate, &seat, said).await
}

/// The desk of who is signed in.
pub(crate) fn desk<B: Backend>(console: &Console<B>, gate: &Gate, asking: &Asking) -> Option<Desk> {
    let (_, session) = asking.signed_in().ok()?;
    let page = format!("{}/gate", gate.workflow_id.page(&console.settings.base_url));
    Some(Desk { page, nonce: session.form_token(&purpose(gate)) })
}

/// A gate's page as it is now.
pub(crate) async fn render<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    seat: &Seat<'_>,
    said: Said<'_>,
) -> Result<Response, Problem> {
    // An answer that did not count may mean that somebody else's did.
    let again = match said.answer {
        Some(_) => console.backend.gate(&gate.id).await?,
        None => None,
    };
    let gate = again.as_ref().unwrap_or(gate);
    let documents = documents::read(console, gate, seat.person).await?;
    let markup = if gate.status == GateStatus::Pending && documents.now < gate.due_at {
        let unsaid = Answer::default();
        let answer = said.answer.unwrap_or(&unsaid);
        pages::gate(&documents, &FormFacts { gate, seat, notice: said.notice, answer })
    } else {
        pages::decided(&documents, gate)
    };
    Ok((said.status, pages::page(&markup)).into_response())
}

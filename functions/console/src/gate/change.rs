//! More time, and somebody more who is asked: what one can do at an open gate besides deciding.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::Timestamp;
use domain::gate::Gate;
use domain::gate::requests::ChangeAnswer;
use domain::person::Person;
use jiff::SignedDuration;
use serde::Deserialize;

use super::{Answer, Said, at_desk, open, personal, purpose, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// More time at once, hours: two weeks.
pub(crate) const MAX_HOURS: u32 = 14 * 24;

#[derive(Deserialize)]
pub(crate) struct TimeForm {
    nonce: String,
    hours: u32,
}

#[derive(Deserialize)]
pub(crate) struct HandOnForm {
    nonce: String,
    to: String,
}

/// What a form asks for.
enum Wish {
    Time { hours: u32 },
    HandOn { to: String },
}

/// `POST /workflows/{id}/gate/time`.
pub(crate) async fn extend<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<TimeForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    let form = form.map(|Form(form)| (form.nonce, Wish::Time { hours: form.hours })).ok();
    Ok(change(&console, &id, &asking, form).await?)
}

/// `POST /workflows/{id}/gate/hand-on`.
pub(crate) async fn hand_on<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<HandOnForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    let form = form.map(|Form(form)| (form.nonce, Wish::HandOn { to: form.to })).ok();
    Ok(change(&console, &id, &asking, form).await?)
}

async fn change<B: Backend>(
    console: &Console<B>,
    id: &str,
    asking: &Asking,
    form: Option<(String, Wish)>,
) -> Result<Response, Problem> {
    let decider = asking.decider()?;
    asking.signed_in()?;
    let (nonce, wish) =
        form.ok_or_else(|| Problem::bad_request("The form is not whole. Nothing was changed; load the page again."))?;
    let page = workflow_id(id)?.page(&console.settings.base_url);
    let Some(gate) = open(console, id).await? else { return redirect(&page) };
    asking.own_form(&purpose(&gate), &nonce)?;
    let by = decider.actor();
    let answer = match wish {
        Wish::Time { hours } => console.backend.extend(&gate.id, by, later(&gate, hours.clamp(1, MAX_HOURS))).await?,
        Wish::HandOn { to } => {
            let Ok(person) = Person::from_text(to.trim()) else {
                let notice = "Nobody more is asked: that is no e-mail address.";
                return refuse(console, &gate, asking, notice).await;
            };
            console.backend.hand_on(&gate.id, by, person).await?
        }
    };
    match answer {
        ChangeAnswer::Changed => redirect(&format!("{page}/gate")),
        ChangeAnswer::NotFound => redirect(&page),
        ChangeAnswer::Refused { refusal, message } => {
            let mut response = refuse(console, &gate, asking, &format!("Nothing was changed: {message}.")).await?;
            if let Some(refused) = personal(&refusal) {
                response.extensions_mut().insert(refused);
            }
            Ok(response)
        }
    }
}

/// The gate's deadline, so many hours later.
pub(crate) fn later(gate: &Gate, hours: u32) -> Timestamp {
    gate.due_at.saturating_add(SignedDuration::from_hours(i64::from(hours))).unwrap_or(gate.due_at)
}

async fn refuse<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    asking: &Asking,
    notice: &str,
) -> Result<Response, Problem> {
    at_desk(console, gate, asking, Said::again(notice, &Answer::default(), StatusCode::UNPROCESSABLE_ENTITY)).await
}

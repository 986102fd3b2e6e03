//! The page behind an approval link, and the form on it.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::Digest;
use domain::gate::requests::{DecideAnswer, LinkGrant};
use domain::gate::{DecisionRequest, Gate, GateStatus, Refusal, Verdict};
use domain::ids::LinkId;
use domain::person::{Actor, Channel};
use domain::view_token::SigningKey;
use serde::Deserialize;

use crate::backend::Backend;
use crate::pages::{self, FormFacts};
use crate::problem::{PageProblem, Problem};
use crate::{Console, origin, view};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Answer {
    decision: String,
    #[serde(default)]
    comment: String,
    subject: String,
    nonce: String,
}

/// A link that leads to a gate.
struct Opened {
    link: Digest,
    grant: LinkGrant,
    gate: Gate,
}

impl Opened {
    /// The value that only our own form for this link and this subject has.
    fn nonce(&self, key: &SigningKey) -> String {
        key.sign(self.nonce_parts())
    }

    fn nonce_parts(&self) -> [&[u8]; 2] {
        [self.link.as_bytes(), self.gate.subject_digest.as_bytes()]
    }
}

/// Looks a link up by its digest. Whatever is wrong with it, the answer is the same.
async fn open<B: Backend>(console: &Console<B>, link: &str) -> Result<Opened, Problem> {
    let link: LinkId = link.parse().map_err(|_| Problem::not_found())?;
    let link = link.digest();
    let grant = console.backend.link(link).await?.ok_or_else(Problem::not_found)?;
    let gate = console.backend.gate(&grant.gate).await?.ok_or_else(Problem::not_found)?;
    if gate.subject_digest != grant.subject_digest {
        return Err(Problem::not_found());
    }
    Ok(Opened { link, grant, gate })
}

pub(crate) async fn show<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(link): Path<String>,
) -> Result<Response, PageProblem> {
    let opened = open(&console, &link).await?;
    Ok(render(&console, &opened, None, "", StatusCode::OK).await?)
}

pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(link): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, PageProblem> {
    if !origin::is_own(&headers, &console.base_url) {
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "This form was sent by another site. Nothing was decided.").into()
        );
    }
    let opened = open(&console, &link).await?;
    let Ok(Form(answer)) = form else {
        return Err(Problem::bad_request("The form is not whole. Nothing was decided; open the link again.").into());
    };
    let secrets = console.backend.secrets().await?;
    if !secrets.form_key.verify(opened.nonce_parts(), &answer.nonce) {
        let notice = "This page was out of date. Nothing was decided; please check and send it again.";
        return Ok(render(&console, &opened, Some(notice), &answer.comment, StatusCode::CONFLICT).await?);
    }
    let verdict = match answer.decision.as_str() {
        "approve" => Verdict::Approve,
        "revise" => Verdict::Revise,
        "reject" => Verdict::Reject,
        _ => {
            let notice = "Please choose one of the three answers. Nothing was decided.";
            return Ok(
                render(&console, &opened, Some(notice), &answer.comment, StatusCode::UNPROCESSABLE_ENTITY).await?
            );
        }
    };
    let request = DecisionRequest {
        verdict,
        by: Actor::Person { person: opened.grant.recipient.clone(), channel: Channel::Link },
        subject_digest: answer.subject.parse().ok(),
        comment: Some(answer.comment.clone()).filter(|comment| !comment.trim().is_empty()),
        sections: Vec::new(),
    };
    match console.backend.decide(&opened.gate.id, request).await? {
        DecideAnswer::Decided { .. }
        | DecideAnswer::Counted { .. }
        | DecideAnswer::Refused { refusal: Refusal::AlreadyDecided { .. }, .. } => Ok(see_other()),
        DecideAnswer::Refused { message, .. } => {
            let notice = format!("Nothing was decided: {message}.");
            let opened = open(&console, &link).await?;
            Ok(render(&console, &opened, Some(&notice), &answer.comment, StatusCode::UNPROCESSABLE_ENTITY).await?)
        }
        DecideAnswer::NotFound => Err(Problem::not_found().into()),
    }
}

/// Back to the same page by GET, so that loading it again sends nothing again. The address is relative: the secret in
/// it is not written into a header.
fn see_other() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("?decided"))]).into_response()
}

async fn render<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    notice: Option<&str>,
    comment: &str,
    status: StatusCode,
) -> Result<Response, Problem> {
    let facts = view::gate_documents(console, &opened.gate).await?;
    let due = facts.now >= opened.gate.due_at;
    let markup = if opened.gate.status == GateStatus::Pending && !due {
        let secrets = console.backend.secrets().await?;
        let nonce = opened.nonce(&secrets.form_key);
        let form = FormFacts { gate: &opened.gate, recipient: &opened.grant.recipient, nonce: &nonce, notice, comment };
        pages::gate(&facts, &form)
    } else {
        pages::decided(&facts, &opened.gate)
    };
    Ok((status, pages::page(&markup)).into_response())
}

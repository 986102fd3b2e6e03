//! The page behind an approval link, and the form on it.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::Digest;
use domain::gate::requests::LinkGrant;
use domain::gate::{Gate, GateStatus};
use domain::ids::LinkId;
use domain::person::{Actor, Channel};
use domain::signing::SigningKey;

use crate::backend::Backend;
use crate::caller::Asking;
use crate::gate::{self, Answer, Outcome, see_other};
use crate::human_factor::{HumanFactor, Lack};
use crate::pages::{self, FormFacts};
use crate::problem::{PageProblem, Problem, Refused};
use crate::{Console, view};

/// A link that leads to a gate.
struct Opened {
    link: Digest,
    grant: LinkGrant,
    gate: Gate,
}

impl Opened {
    /// The value that only our own form for this link, this subject and this session has.
    fn nonce(&self, key: &SigningKey, asking: &Asking) -> String {
        key.sign(self.nonce_parts(asking))
    }

    fn nonce_parts<'a>(&'a self, asking: &'a Asking) -> [&'a [u8]; 4] {
        let family = asking.signed_in().map_or("", |(_, session)| session.family.as_str());
        [b"link", self.link.as_bytes(), self.gate.subject_digest.as_bytes(), family.as_bytes()]
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
    asking: Asking,
) -> Result<Response, PageProblem> {
    let opened = open(&console, &link).await?;
    Ok(render(&console, &opened, &asking, None, "", StatusCode::OK).await?)
}

pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(link): Path<String>,
    asking: Asking,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.same_origin()?;
    let opened = open(&console, &link).await?;
    let Ok(Form(answer)) = form else {
        return Err(Problem::bad_request("The form is not whole. Nothing was decided; open the link again.").into());
    };
    let factor = match HumanFactor::by_session(&asking, &opened.grant.recipient) {
        Ok(factor) => factor,
        Err(Lack::Nobody) => return Ok(ask_to_sign_in(&asking)),
        Err(Lack::SomebodyElse) => return Err(Problem::not_found().refused("a link of somebody else").into()),
        Err(Lack::Problem(problem)) => return Err(problem.into()),
    };
    let secrets = console.backend.secrets().await?;
    if !secrets.form_key.verify(opened.nonce_parts(&asking), &answer.nonce) {
        let notice = "This page was out of date. Nothing was decided; please check and send it again.";
        return Ok(render(&console, &opened, &asking, Some(notice), &answer.comment, StatusCode::CONFLICT).await?);
    }
    let by = Actor::Person { person: factor.into_person(), channel: Channel::Link };
    match gate::submit(&console, &opened.gate.id, by, &answer).await? {
        Outcome::Decided => Ok(see_other()),
        Outcome::Notice { text, refused } => {
            let opened = open(&console, &link).await?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let mut response = render(&console, &opened, &asking, Some(&text), &answer.comment, status).await?;
            if let Some(refused) = refused {
                response.extensions_mut().insert(refused);
            }
            Ok(response)
        }
    }
}

/// Nobody is signed in: nothing is decided, and the way leads back here.
fn ask_to_sign_in(asking: &Asking) -> Response {
    let page = pages::page(&pages::sign_in_first(&asking.sign_in_url()));
    let mut response = (StatusCode::UNAUTHORIZED, page).into_response();
    response.extensions_mut().insert(Refused("a decision by a link without a session"));
    response
}

async fn render<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    asking: &Asking,
    notice: Option<&str>,
    comment: &str,
    status: StatusCode,
) -> Result<Response, Problem> {
    let facts = view::gate_documents(console, &opened.gate).await?;
    let due = facts.now >= opened.gate.due_at;
    let markup = if opened.gate.status == GateStatus::Pending && !due {
        let secrets = console.backend.secrets().await?;
        let nonce = opened.nonce(&secrets.form_key, asking);
        let sign_in = asking.signed_in().is_err().then(|| asking.sign_in_url());
        let recipient = &opened.grant.recipient;
        let form = FormFacts { gate: &opened.gate, recipient, nonce: &nonce, notice, comment, sign_in };
        pages::gate(&facts, &form)
    } else {
        pages::decided(&facts, &opened.gate)
    };
    Ok((status, pages::page(&markup)).into_response())
}

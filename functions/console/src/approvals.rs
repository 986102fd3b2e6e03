//! The page behind an approval link, and the form on it.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::Digest;
use domain::gate::Gate;
use domain::gate::requests::{CodeAnswer, LinkGrant};
use domain::ids::LinkId;
use domain::person::{Actor, Channel};
use domain::signing::SigningKey;

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::gate::{self, Answer, Outcome, Said, Seat, see_other};
use crate::human_factor::{HumanFactor, Lack};
use crate::pages;
use crate::problem::{PageProblem, Problem, Refused};

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
    Ok(render(&console, &opened, &asking, Said::default()).await?)
}

pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(link): Path<String>,
    asking: Asking,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.same_origin()?;
    let opened = open(&console, &link).await?;
    let broken = || Problem::bad_request("The form is not whole. Nothing was decided; open the link again.");
    let Form(answer) = form.map_err(|_| broken())?;
    let nonce = answer.nonce().ok_or_else(broken)?;
    let is_ours = console.backend.secrets().await?.form_key.verify(opened.nonce_parts(&asking), nonce);
    let is_about_code = answer.asks_for_code() || answer.code().is_some();
    let factor = match HumanFactor::by_session(&asking, &opened.grant.recipient) {
        Ok(factor) if is_ours => factor,
        Err(Lack::Nobody) if is_ours && answer.asks_for_code() => {
            return Ok(send_code(&console, &opened, &asking, &answer).await?);
        }
        Err(Lack::Nobody) if is_ours && is_about_code => match by_code(&console, &opened, &asking, &answer).await? {
            Ok(factor) => factor,
            Err(response) => return Ok(response),
        },
        Err(Lack::Nobody) if !is_about_code => return Ok(ask_to_sign_in(&asking)),
        Err(Lack::SomebodyElse) => return Err(Problem::not_found().refused("a link of somebody else").into()),
        Err(Lack::Problem(problem)) => return Err(problem.into()),
        Ok(_) | Err(Lack::Nobody) => {
            let notice = "This page was out of date. Nothing was decided; please check and send it again.";
            let said = Said::again(notice, &answer, StatusCode::CONFLICT);
            return Ok(render(&console, &opened, &asking, said).await?);
        }
    };
    let by = Actor::Person { person: factor.into_person(), channel: Channel::Link };
    match gate::submit(&console, &opened.gate, by, &answer).await? {
        Outcome::Decided | Outcome::Counted => Ok(see_other()),
        Outcome::Notice { text, refused } => {
            let said = Said::again(&text, &answer, StatusCode::UNPROCESSABLE_ENTITY);
            let mut response = render(&console, &opened, &asking, said).await?;
            if let Some(refused) = refused {
                response.extensions_mut().insert(refused);
            }
            Ok(response)
        }
    }
}

/// The proof that a code gives, or the page that says why it gives none. Nothing is spent on a form that could not count.
async fn by_code<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    asking: &Asking,
    answer: &Answer,
) -> Result<Result<HumanFactor, Response>, Problem> {
    if let Some(missing) = answer.missing() {
        let said = Said::again(missing, answer, StatusCode::UNPROCESSABLE_ENTITY);
        return Ok(Err(render(console, opened, asking, said).await?));
    }
    let typed = answer.code().unwrap_or_default();
    match HumanFactor::by_code(console, opened.link, &opened.grant.recipient, typed).await? {
        Ok(factor) => Ok(Ok(factor)),
        Err(message) => {
            let text = format!("Nothing was decided: {message}.");
            let said = Said::again(&text, answer, StatusCode::UNPROCESSABLE_ENTITY);
            let mut response = render(console, opened, asking, said).await?;
            response.extensions_mut().insert(Refused("a code that does not count"));
            Ok(Err(response))
        }
    }
}

/// Has a code mailed to whom the link belongs.
async fn send_code<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    asking: &Asking,
    answer: &Answer,
) -> Result<Response, Problem> {
    let (text, status) = match console.backend.send_code(opened.link).await? {
        CodeAnswer::Sent => {
            let text = "A code is on its way to the mailbox that the link was sent to. Type it below.";
            (text.to_owned(), StatusCode::OK)
        }
        CodeAnswer::Refused { message, .. } => {
            (format!("No code was sent: {message}."), StatusCode::UNPROCESSABLE_ENTITY)
        }
        CodeAnswer::Right | CodeAnswer::NotFound => return Err(Problem::not_found()),
    };
    render(console, opened, asking, Said::again(&text, answer, status)).await
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
    said: Said<'_>,
) -> Result<Response, Problem> {
    let secrets = console.backend.secrets().await?;
    let nonce = opened.nonce(&secrets.form_key, asking);
    let recipient = &opened.grant.recipient;
    let is_here = asking.decider().is_ok() && asking.viewer()?.person().is_same(recipient);
    let seat = Seat {
        person: recipient,
        nonce,
        sign_in: asking.signed_in().is_err().then(|| asking.sign_in_url()),
        codes: console.settings.codes,
        desk: if is_here { gate::desk(console, &opened.gate, asking) } else { None },
    };
    gate::render(console, &opened.gate, &seat, said).await
}

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
    let recipient = &opened.grant.recipient;
    let factor = match HumanFactor::by_session(&asking, recipient) {
        Err(Lack::Nobody) if answer.asks_for_code() => return send_code(&console, &opened, &asking, &answer).await,
        Err(Lack::Nobody) if answer.code().is_some() => by_code(&console, &opened, &asking, &answer).await,
        by_session => by_session,
    };
    let factor = match factor {
        Ok(factor) => factor,
        Err(Lack::Code(message)) => {
            let said = Said::again(&message, &answer, StatusCode::UNPROCESSABLE_ENTITY);
            let mut response = render(&console, &opened, &asking, said).await?;
            response.extensions_mut().insert(Refused("a code that does not count"));
            return Ok(response);
        }
        Err(Lack::Nobody) => return Ok(ask_to_sign_in(&asking)),
        Err(Lack::SomebodyElse) => return Err(Problem::not_found().refused("a link of somebody else").into()),
        Err(Lack::Problem(problem)) => return Err(problem.into()),
    };
    let secrets = console.backend.secrets().await?;
    if !secrets.form_key.verify(opened.nonce_parts(&asking), nonce) {
        let notice = "This page was out of date. Nothing was decided; please check and send it again.";
        return Ok(render(&console, &opened, &asking, Said::again(notice, &answer, StatusCode::CONFLICT)).await?);
    }
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

/// The proof that a code gives. Nothing is spent on a form that could not count.
async fn by_code<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    asking: &Asking,
    answer: &Answer,
) -> Result<HumanFactor, Lack> {
    let secrets = console.backend.secrets().await.map_err(|failure| Lack::Problem(failure.into()))?;
    if !secrets.form_key.verify(opened.nonce_parts(asking), answer.nonce().unwrap_or_default()) {
        return Err(Lack::Code(
            "This page was out of date. Nothing was decided; please check and send it again.".into(),
        ));
    }
    if let Some(missing) = answer.missing() {
        return Err(Lack::Code(missing.to_owned()));
    }
    HumanFactor::by_code(console, opened.link, &opened.grant.recipient, answer.code().unwrap_or_default()).await
}

/// Has a code mailed to whom the link belongs.
async fn send_code<B: Backend>(
    console: &Console<B>,
    opened: &Opened,
    asking: &Asking,
    answer: &Answer,
) -> Result<Response, PageProblem> {
    let secrets = console.backend.secrets().await?;
    let ours = secrets.form_key.verify(opened.nonce_parts(asking), answer.nonce().unwrap_or_default());
    let (text, status) = if ours {
        match console.backend.send_code(opened.link).await? {
            CodeAnswer::Sent => {
                ("A code is on its way to the mailbox that the link was sent to. Type it below.".into(), StatusCode::OK)
            }
            CodeAnswer::Refused { message, .. } => {
                (format!("No code was sent: {message}."), StatusCode::UNPROCESSABLE_ENTITY)
            }
            CodeAnswer::Right | CodeAnswer::NotFound => return Err(Problem::not_found().into()),
        }
    } else {
        ("This page was out of date. No code was sent; please try again.".to_owned(), StatusCode::CONFLICT)
    };
    Ok(render(console, opened, asking, Said::again(&text, answer, status)).await?)
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
    let here = asking.signed_in().is_ok_and(|(viewer, _)| viewer.person().is_same(&opened.grant.recipient));
    let desk = format!("{}/gate", opened.gate.workflow_id.page(&console.settings.base_url));
    let seat = Seat {
        person: &opened.grant.recipient,
        nonce,
        sign_in: asking.signed_in().is_err().then(|| asking.sign_in_url()),
        codes: console.settings.codes,
        desk: here.then_some(desk),
    };
    gate::render(console, &opened.gate, &seat, said).await
}

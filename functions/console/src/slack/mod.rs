//! `POST /slack/interactions`: what people press and write in Slack.
//!
//! Slack signs its requests, and nothing is parsed before the signature holds. Then the workspace and the member are
//! compared as they are with whom the gate asks ([`who`]), and the decision goes the way of every other: `approvals`
//! decides, on exactly what the message showed.
//!
//! **Time.** Slack waits three seconds, and a Lambda function is frozen as soon as it has answered: nothing is left to do
//! for afterwards. So everything happens before the answer, and within [`SlackAccess::patience`]. What takes longer is
//! left alone: the person is told at the address for answers that it may still count, because `approvals` goes on by
//! itself once it was called. If it counts, its own transaction says so to `notifier`, which replaces the message; if it
//! does not, the message stays as it is and pressing again is safe, since a decision counts once.

mod act;
mod dialog;
mod who;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::person::Person;
use secrecy::SecretString;
use slack::Slack;
use slack::interaction::{Interaction, Member, parse};
use slack::signature::{NotVerified, SIGNATURE_HEADER, TIMESTAMP_HEADER, verify};
use tokio::time::timeout;

use crate::Console;
use crate::backend::Backend;
use crate::problem::{ApiProblem, Problem};

/// Largest request, bytes: Slack sends the whole message along, percent-encoded.
const MAX_BODY_BYTES: usize = 512 * 1024;
/// How long a person may be told something, after everything else.
const TELLING: Duration = Duration::from_millis(600);
/// As it stands among the refusals.
const WHAT: &str = "POST /slack/interactions";
/// What is said when the time is over.
const LATE: &str = "This takes longer than Slack waits. It may still count: the message shows it if it does. If nothing \
                    has changed in a minute, send it again; a decision counts once.";

/// What is needed to hear Slack and to answer.
#[derive(Debug, Clone)]
pub struct SlackAccess {
    /// The only workspace whose members count.
    pub team: String,
    /// Signs Slack's requests.
    pub signing_secret: SecretString,
    /// Its Web API.
    pub client: Slack,
    /// How long everything may take that comes before the answer.
    pub patience: Duration,
}

/// What became of what somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// For them alone.
    words: String,
    /// Why it counts as a refusal, if it does.
    refused: Option<&'static str>,
    /// Whether there is an end to it: a dialog stays open otherwise.
    done: bool,
}

impl Told {
    fn done(words: impl Into<String>) -> Self {
        Self { words: words.into(), refused: None, done: true }
    }

    fn not_now(words: impl Into<String>) -> Self {
        Self { words: words.into(), refused: None, done: false }
    }

    fn refused(why: &'static str, words: impl Into<String>) -> Self {
        Self { words: words.into(), refused: Some(why), done: false }
    }
}

/// More than forms may have.
pub(crate) fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MAX_BODY_BYTES)
}

pub(crate) async fn interactions<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiProblem> {
    let access = console.backend.slack().await?.ok_or_else(Problem::not_found)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    let request = verify(&access.signing_secret, timestamp, signature, &body, (console.now)()).map_err(not_signed)?;
    let interaction = parse(request).map_err(|error| Problem::bad_request(format!("{error}. Nothing was decided.")))?;
    Ok(answer(&console, &access, interaction).await)
}

/// The sender is told nothing that helps.
fn not_signed(error: NotVerified) -> Problem {
    let why = match error {
        NotVerified::Stale => "a request of Slack's from another time",
        NotVerified::Headers | NotVerified::Mismatch => "a request that Slack did not sign",
    };
    Problem::new(StatusCode::UNAUTHORIZED, "This is not a request of Slack's.").refused(why)
}

/// Does what somebody in Slack wants, and answers in time.
pub(crate) async fn answer<B: Backend>(
    console: &Console<B>,
    access: &SlackAccess,
    interaction: Interaction,
) -> Response {
    match interaction {
        Interaction::Pressed { by, action, value, trigger_id, response_url } => {
            let press = act::press(console, access, &by, &action, &value, &trigger_id);
            let told = match timeout(access.patience, press).await {
                Ok(told) => told,
                Err(_) => Some(Told::not_now(LATE)),
            };
            if let Some(told) = told {
                whisper(access, response_url.as_deref(), &told.words).await;
                note(console, &told, &by).await;
            }
            StatusCode::OK.into_response()
        }
        Interaction::Submitted { by, dialog, metadata, fields } => {
            let submit = act::submit(console, access, &by, &dialog, &metadata, &fields);
            let told = timeout(access.patience, submit).await.unwrap_or_else(|_| Told::not_now(LATE));
            note(console, &told, &by).await;
            if told.done {
                // An empty answer closes the dialog. The message itself shows what was decided.
                StatusCode::OK.into_response()
            } else {
                Json(dialog::errors(&told.words)).into_response()
            }
        }
        Interaction::Other => StatusCode::OK.into_response(),
    }
}

/// Writes a refusal down.
async fn note<B: Backend>(console: &Console<B>, told: &Told, by: &Member) {
    if let Some(why) = told.refused {
        let id = domain::text::one_line(&by.slack_id(), 80);
        let person = Person { name: id.clone(), slack_id: Some(id), ..Person::default() };
        console.refusals.note(&console.backend, (console.now)(), WHAT.to_owned(), why, Some(person)).await;
    }
}

/// Tells only who pressed. That it could not be told changes nothing.
async fn whisper(access: &SlackAccess, response_url: Option<&str>, words: &str) {
    let Some(url) = response_url else { return };
    match timeout(TELLING, access.client.respond(url, words)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "somebody in Slack was not told what became of their press"),
        Err(_) => tracing::warn!("Slack took too long to tell somebody what became of their press"),
    }
}

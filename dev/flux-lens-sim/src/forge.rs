//! Deliveries that Flux Lens would not send: forged, stale, malformed, oversized, repeated.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::delivery::{self, Endpoint};
use crate::server::App;
use crate::signing::{self, FLUX_LENS_SIGNATURE, Scheme, Secret, WEBHOOK_SIGNATURE};
use crate::tracker::{EventKind, TrackerError};

/// What is sent, once and in the foreground. Without a wish of its own it is a good delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forgery {
    /// The body: a JSON value, or a string that is sent as it is.
    pub body: Value,
    /// Without a body: tell about this ticket as it now is.
    pub ticket: Option<String>,
    /// Without a body: tell this.
    pub event: EventKind,
    /// The id; a new one if absent.
    pub id: Option<String>,
    /// How old the timestamp is, in seconds; negative lies in the future.
    pub age_s: i64,
    /// How it is signed.
    pub signature: SignatureKind,
    /// The scheme; the endpoint's if absent.
    pub scheme: Option<Scheme>,
    /// Further headers; they replace those of the signature.
    pub headers: BTreeMap<String, String>,
    /// Blanks are appended up to this size, in bytes.
    pub pad_to: usize,
    /// How often it is sent, all at once.
    pub copies: usize,
}

impl Default for Forgery {
    fn default() -> Self {
        Self {
            body: Value::Null,
            ticket: None,
            event: EventKind::Updated,
            id: None,
            age_s: 0,
            signature: SignatureKind::Valid,
            scheme: None,
            headers: BTreeMap::new(),
            pad_to: 0,
            copies: 1,
        }
    }
}

/// How a forgery is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// As it should be.
    #[default]
    Valid,
    /// By a key that nobody knows.
    WrongKey,
    /// By no key: the header holds something else.
    Garbage,
    /// There is no signature header.
    Missing,
}

/// What the receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The id that was sent.
    pub id: String,
    /// The status.
    pub status: Option<u16>,
    /// The beginning of the body.
    pub body: String,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// The parts of a delivery, ready to send.
struct Forged {
    id: String,
    at: Timestamp,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// Nobody would receive it.
    #[error("no webhook endpoint is set; set one with PUT /_sim/webhook")]
    NoEndpoint,
    /// It is about a ticket that does not exist.
    #[error(transparent)]
    Ticket(#[from] TrackerError),
}

/// Sends a forgery, all copies at once, and waits for the answers.
pub(crate) async fn send(app: &App, mut forgery: Forgery) -> Result<Vec<Answer>, ForgeError> {
    let endpoint = app.read(|state| {
        if let (Value::Null, Some(id)) = (&forgery.body, &forgery.ticket) {
            forgery.body = json!({"event": forgery.event, "ticket": state.tracker.get(id)?.ticket});
        }
        state.endpoint.clone().ok_or(ForgeError::NoEndpoint)
    })?;
    let forged = forge(&forgery, &endpoint, app.now());
    let copies = (0..forgery.copies).map(|_| async {
        let attempt = delivery::send(app, &endpoint.url, &forged.headers, forged.body.clone(), forged.at).await;
        Answer { id: forged.id.clone(), status: attempt.status, body: attempt.response, error: attempt.error }
    });
    Ok(join_all(copies).await)
}

fn forge(forgery: &Forgery, endpoint: &Endpoint, now: Timestamp) -> Forged {
    let id = forgery.id.clone().unwrap_or_else(delivery::new_id);
    let at = now.checked_sub(SignedDuration::from_secs(forgery.age_s)).unwrap_or(now);
    let mut body = match &forgery.body {
        Value::String(raw) => raw.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    body.resize(body.len().max(forgery.pad_to), b' ');
    let scheme = forgery.scheme.unwrap_or(endpoint.scheme);
    let unknown = [Secret::from_bytes("a key that nobody knows")];
    let wrong = forgery.signature == SignatureKind::WrongKey;
    let secrets = if wrong { &unknown[..] } else { &endpoint.secrets[..] };
    let signed = signing::headers(scheme, secrets, &id, at, &body);
    let mut headers: BTreeMap<String, String> =
        signed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (name, garbage) = match scheme {
        Scheme::Standard => (WEBHOOK_SIGNATURE, "v1,bm90IGEgc2lnbmF0dXJl"),
        Scheme::Simple => (FLUX_LENS_SIGNATURE, "sha256=00"),
    };
    match forgery.signature {
        SignatureKind::Valid | SignatureKind::WrongKey => {}
        SignatureKind::Garbage => {
            headers.insert(name.to_owned(), garbage.to_owned());
        }
        SignatureKind::Missing => {
            headers.remove(name);
        }
    }
    headers.extend(forgery.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
    Forged { id, at, headers: headers.into_iter().collect(), body }
}

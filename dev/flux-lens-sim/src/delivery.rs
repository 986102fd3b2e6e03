//! Webhook deliveries: in the background, at least once, in no promised order.
//!
//! Every attempt is signed anew with its own time under the same id and over the same bytes. A 2xx ends it, 410 ends
//! it and switches the endpoint off, anything else is tried again after the next delay of the schedule.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::server::App;
use crate::signing::{self, Scheme, Secret};
use crate::tracker::{Event, EventKind};

/// How much of an answer's body is kept, in characters.
const KEPT: usize = 1000;

/// Where webhooks go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The receiver.
    pub url: String,
    /// How they are signed.
    pub scheme: Scheme,
    /// The keys that sign, at least one. Standard Webhooks signs with all of them, the simple scheme with the first.
    pub secrets: Vec<Secret>,
}

/// When a failed delivery is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait before each further attempt; as many attempts as delays, plus the first.
    pub delays: Vec<Duration>,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Default for RetryPolicy {
    /// The schedule that Standard Webhooks recommends: 10 attempts over three days.
    fn default() -> Self {
        const HOUR: u64 = 3600;
        let delays = [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        Self { delays: delays.map(Duration::from_secs).to_vec(), timeout: Duration::from_secs(20) }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Under way, or waiting for its next attempt.
    Pending,
    /// Accepted.
    Delivered,
    /// Given up.
    Failed,
    /// There was no endpoint.
    Skipped,
}

/// One message and its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The same in every attempt (`webhook-id`).
    pub id: String,
    /// What it tells.
    pub event: EventKind,
    /// About which ticket.
    pub ticket: String,
    /// In which version.
    pub version: u64,
    /// When the event happened.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// The bytes that are signed and sent.
    pub body: String,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When it was signed and sent.
    pub at: Timestamp,
    /// To whom.
    pub url: String,
    /// The answer's status.
    pub status: Option<u16>,
    /// The beginning of the answer's body.
    pub response: String,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Attempt {
    fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// A delivery for an event. Its id is random: receivers remember ids for longer than a simulator lives.
pub(crate) fn for_event(event: &Event, now: Timestamp, state: DeliveryState) -> Delivery {
    Delivery {
        id: new_id(),
        event: event.event,
        ticket: event.ticket.id.clone(),
        version: event.ticket.version,
        created_at: now,
        state,
        attempts: Vec::new(),
        body: serde_json::json!(event).to_string(),
    }
}

pub(crate) fn new_id() -> String {
    format!("msg_{}", hex::encode(rand::random::<[u8; 12]>()))
}

/// Delivers in the background, until it is accepted, given up, or the simulator stops.
pub(crate) fn dispatch(app: &Arc<App>, id: String) {
    let task = run(Arc::clone(app), id);
    app.tasks().spawn(app.stopping().run_until_cancelled_owned(task));
}

async fn run(app: Arc<App>, id: String) {
    let policy = app.retry_policy();
    let mut delays = policy.delays.iter();
    loop {
        let Some((endpoint, body)) = app.change(|state| {
            let endpoint = state.endpoint.clone();
            let delivery = state.deliveries.iter_mut().find(|delivery| delivery.id == id)?;
            if endpoint.is_none() {
                delivery.state = DeliveryState::Failed;
            }
            Some((endpoint?, delivery.body.clone()))
        }) else {
            return;
        };
        let at = app.now();
        let headers = signing::headers(endpoint.scheme, &endpoint.secrets, &id, at, body.as_bytes());
        let attempt = send(&app, &endpoint.url, &headers, body, at).await;
        let delay = delays.next();
        let gone = attempt.status == Some(410);
        let next = match delay {
            _ if attempt.accepted() => DeliveryState::Delivered,
            Some(_) if !gone => DeliveryState::Pending,
            _ => DeliveryState::Failed,
        };
        app.change(|state| {
            if gone {
                state.endpoint = None;
            }
            if let Some(delivery) = state.deliveries.iter_mut().find(|delivery| delivery.id == id) {
                delivery.attempts.push(attempt);
                delivery.state = next;
            }
        });
        match delay {
            Some(delay) if next == DeliveryState::Pending => tokio::time::sleep(*delay).await,
            _ => return,
        }
    }
}

/// Sends one request and tells how it went.
pub(crate) async fn send<N: AsRef<str>>(
    app: &App,
    url: &str,
    headers: &[(N, String)],
    body: impl Into<reqwest::Body>,
    at: Timestamp,
) -> Attempt {
    let began = tokio::time::Instant::now();
    let mut request = app.http().post(url).timeout(app.retry_policy().timeout);
    request = request.header("content-type", "application/json").header("user-agent", "Flux-Lens-Webhooks/1.0");
    for (name, value) in headers {
        request = request.header(name.as_ref(), value);
    }
    let answered = match request.body(body).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            response.text().await.map(|text| (status, text))
        }
        Err(error) => Err(error),
    };
    let mut attempt = Attempt {
        at,
        url: url.to_owned(),
        status: None,
        response: String::new(),
        error: None,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    match answered {
        Ok((status, text)) => {
            attempt.status = Some(status);
            attempt.response = text.chars().take(KEPT).collect();
        }
        Err(error) => attempt.error = Some(chain(&error)),
    }
    attempt
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

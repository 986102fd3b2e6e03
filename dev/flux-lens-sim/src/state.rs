//! Everything that the simulator knows.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::delivery::{Delivery, Endpoint};
use crate::faults::Fault;
use crate::signing::Scheme;
use crate::tracker::{Record, Tracker};

/// A call of the REST API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestCall {
    /// When it came.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The body: JSON, or a string if it is none.
    pub body: Value,
    /// The status that was answered.
    pub status: u16,
    /// Whether a fault was injected.
    pub fault: bool,
}

/// A snapshot, as `GET /_sim/state` answers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// Where webhooks go, without the keys.
    pub webhook: Option<Webhook>,
    /// All tickets, by id.
    pub tickets: Vec<Record>,
    /// All deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
    /// The faults that still wait.
    pub faults: Vec<Fault>,
    /// All calls of the REST API, oldest first.
    pub calls: Vec<RestCall>,
}

impl State {
    /// One ticket.
    pub fn ticket(&self, id: &str) -> Option<&Record> {
        self.tickets.iter().find(|record| record.ticket.id == id)
    }
}

/// An endpoint without its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// The receiver.
    pub url: String,
    /// How deliveries are signed.
    pub scheme: Scheme,
    /// With how many keys.
    pub secrets: usize,
}

/// The state that the server changes, under one lock.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) tracker: Tracker,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) calls: Vec<RestCall>,
}

impl Inner {
    pub(crate) fn snapshot(&self) -> State {
        let webhook = self.endpoint.as_ref().map(|endpoint| Webhook {
            url: endpoint.url.clone(),
            scheme: endpoint.scheme,
            secrets: endpoint.secrets.len(),
        });
        State {
            webhook,
            tickets: self.tracker.list().cloned().collect(),
            deliveries: self.deliveries.clone(),
            faults: self.faults.clone(),
            calls: self.calls.clone(),
        }
    }
}

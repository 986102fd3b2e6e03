//! The message that the webhook function puts on the queue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{DeliveryId, Repository};
use crate::secrets::Fingerprint;
use crate::ticket::TicketEvent;

/// Version of [`InboundEvent`]'s form. A reader accepts this one and the one before it.
pub const INBOUND_VERSION: u32 = 1;

/// Envelope of a verified delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundEvent {
    /// [`INBOUND_VERSION`].
    pub version: u32,
    /// The sender's delivery id, prefixed by the source: `flux-lens:…`, `github:…`.
    pub delivery_id: DeliveryId,
    /// Digest of the raw body, so that a delivery id used for two bodies is seen.
    pub body_digest: Digest,
    /// When the webhook function accepted it.
    pub received_at: Timestamp,
    /// What it says.
    pub event: Inbound,
}

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inbound {
    /// A ticket was created, changed or cancelled.
    Ticket(TicketEvent),
    /// Something happened at the code host. Only a hint: the reader asks GitHub what is true now.
    GithubHint(GithubHint),
    /// Which keys the webhook function holds, for nobody to publish one. It can do nothing but send to its queue.
    SecretsHeld {
        /// Their fingerprints.
        fingerprints: Vec<Fingerprint>,
    },
}

/// A function that says which secrets it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretOwner {
    /// Webhook signing keys; by way of `intake`.
    Webhook,
    /// The model provider's key.
    Planner,
    /// The tracker's token and Slack's.
    Notifier,
    /// The API token, the signing key, the OAuth app's secret, Slack's token and its signing secret.
    Console,
}

impl SecretOwner {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Planner, Self::Notifier, Self::Console];

    /// The function's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Planner => "planner",
            Self::Notifier => "notifier",
            Self::Console => "console",
        }
    }
}

/// A GitHub delivery, reduced to where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubHint {
    /// The `X-GitHub-Event` header.
    pub event: String,
    /// The repository it is about.
    pub repository: Repository,
    /// The pull request, where the payload names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// The pull request's head branch, or the branch pushed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

impl InboundEvent {
    /// The queue's message group: mostly the repository, so that one busy repository does not delay the others.
    pub fn message_group(&self) -> &str {
        match &self.event {
            Inbound::Ticket(event) => event.ticket.repository.as_str(),
            Inbound::GithubHint(hint) => hint.repository.as_str(),
            Inbound::SecretsHeld { .. } => SecretOwner::Webhook.as_str(),
        }
    }
}

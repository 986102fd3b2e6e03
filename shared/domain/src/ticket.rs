//! Tickets and what happens to them, in our own words, whatever tracker they come from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{Repository, TicketKey};
use crate::person::Person;

/// Longest title that is accepted, in bytes.
pub const MAX_TITLE_BYTES: usize = 1_000;

/// A ticket as its tracker described it at one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Where it lives.
    pub key: TicketKey,
    /// Rises with every change in the tracker; the higher version wins.
    pub version: u64,
    /// When the tracker last changed it.
    pub updated_at: Timestamp,
    /// One line.
    pub title: String,
    /// Markdown, written by somebody we do not trust.
    pub description: String,
    /// The ticket's page.
    pub url: String,
    /// How soon it should run.
    pub priority: Priority,
    /// Labels, as the tracker has them.
    pub labels: Vec<String>,
    /// Who asked.
    pub reporter: Person,
    /// Who is to look after it.
    #[serde(default)]
    pub assignee: Option<Person>,
    /// The repository to change.
    pub repository: Repository,
    /// The branch to start from and merge into.
    pub base_branch: String,
}

impl Ticket {
    /// What the plan depends on: a change of any of these makes an approved SPEC stale. The tracker's own
    /// bookkeeping (version, status, time, labels, people) is not part of it.
    pub fn content_digest(&self) -> Digest {
        Digest::of_parts([
            self.key.source.as_bytes(),
            self.key.id.as_bytes(),
            self.title.as_bytes(),
            self.description.as_bytes(),
            self.repository.as_str().as_bytes(),
            self.base_branch.as_bytes(),
        ])
    }

    /// Whether a label marks the ticket as a bug.
    pub fn is_bug(&self) -> bool {
        self.labels.iter().any(|label| matches!(label.to_lowercase().as_str(), "bug" | "type:bug" | "kind/bug"))
    }
}

/// Priority of a ticket; the order is the order of service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// First.
    High,
    /// The usual.
    #[default]
    Normal,
    /// Last.
    Low,
}

impl Priority {
    /// A digit that sorts as the priority does.
    pub const fn rank(self) -> u8 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// What a tracker told us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketEvent {
    /// What happened.
    pub kind: TicketEventKind,
    /// The ticket after it happened.
    pub ticket: Ticket,
}

/// What happened to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketEventKind {
    /// A new ticket.
    Created,
    /// Its text or fields changed.
    Updated,
    /// It is no longer wanted. A cancel sticks.
    Cancelled,
}

/// Status that we set on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketStatus {
    /// Work has begun.
    #[serde(rename = "In Progress")]
    InProgress,
    /// Merged.
    Done,
    /// A person has to look.
    Blocked,
    /// Stopped on request.
    Cancelled,
}

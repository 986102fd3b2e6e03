//! Tickets as Flux Lens sends them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A person as the tracker knows one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The tracker's id.
    pub id: String,
    /// The mail address.
    pub email: String,
}

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before others.
    High,
    /// As usual.
    #[default]
    Normal,
    /// After others.
    Low,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        })
    }
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// New: nobody has touched it.
    #[default]
    Open,
    /// Being worked on.
    #[serde(rename = "In Progress")]
    InProgress,
    /// Finished.
    Done,
    /// Waits for a person.
    Blocked,
    /// Called off; final.
    Cancelled,
}

impl Status {
    /// What the REST API may set: everything but `Open`.
    pub const SETTABLE: [Self; 4] = [Self::InProgress, Self::Done, Self::Blocked, Self::Cancelled];
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::InProgress => "In Progress",
            Self::Done => "Done",
            Self::Blocked => "Blocked",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// A ticket as webhooks carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The tracker's id.
    pub id: String,
    /// Rises with every change.
    pub version: u64,
    /// Rises with every change.
    pub updated_at: Timestamp,
    /// One line.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// The ticket's page.
    pub url: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Labels.
    pub labels: Vec<String>,
    /// Who asked.
    pub reporter: Person,
    /// Who is to look after it.
    pub assignee: Option<Person>,
    /// The repository to change, `owner/name`.
    pub repository: String,
    /// The branch to start from.
    pub base_branch: String,
}

/// A ticket to create. Only title and repository are required; the rest gets what a tracker would fill in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// The id; the next free `FL-n` if absent.
    pub id: Option<String>,
    /// The first version; 1 if absent.
    pub version: Option<u64>,
    /// The time of creation; now if absent.
    pub updated_at: Option<Timestamp>,
    /// One line.
    pub title: String,
    /// Markdown.
    #[serde(default)]
    pub description: String,
    /// The ticket's page; kept only if the simulator was told not to use its own.
    pub url: Option<String>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Who asked; a made-up person if absent.
    pub reporter: Option<Person>,
    /// Who is to look after it.
    pub assignee: Option<Person>,
    /// The repository to change, `owner/name`.
    pub repository: String,
    /// The branch to start from; `main` if absent.
    pub base_branch: Option<String>,
}

/// A change by a person: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketChange {
    /// One line.
    pub title: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Labels.
    pub labels: Option<Vec<String>>,
    /// Who is to look after it.
    pub assignee: Option<Person>,
    /// The repository to change.
    pub repository: Option<String>,
    /// The branch to start from.
    pub base_branch: Option<String>,
    /// Where it stands.
    pub status: Option<Status>,
}

/// A comment on a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The tracker's id.
    pub id: String,
    /// Who wrote it: over the REST API always the integration.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// When.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::NewTicket;

    #[test]
    fn the_shipped_scenarios_have_valid_tickets() {
        let scenarios = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios")).unwrap();
        let tickets = scenarios.map(|entry| entry.unwrap().path().join("ticket.json")).filter(|path| path.exists());
        let checked = tickets.map(|path| {
            let ticket = serde_json::from_str::<NewTicket>(&std::fs::read_to_string(&path).unwrap());
            assert!(ticket.is_ok(), "{}: {ticket:?}", path.display());
        });
        assert_ne!(checked.count(), 0);
    }
}

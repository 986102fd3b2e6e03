//! The tracker's own state: tickets, their status and comments. It does no I/O and is handed the time.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ticket::{Comment, NewTicket, Person, Status, Ticket, TicketChange};

/// The author of comments that come over the REST API.
const INTEGRATION: &str = "Integration";

/// What a webhook tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A new ticket.
    #[serde(rename = "ticket.created")]
    Created,
    /// A changed ticket.
    #[serde(rename = "ticket.updated")]
    Updated,
    /// A ticket that was called off.
    #[serde(rename = "ticket.cancelled")]
    Cancelled,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "ticket.created",
            Self::Updated => "ticket.updated",
            Self::Cancelled => "ticket.cancelled",
        })
    }
}

/// A ticket and what the tracker keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The ticket.
    pub ticket: Ticket,
    /// Where it stands.
    pub status: Status,
    /// Oldest first.
    pub comments: Vec<Comment>,
}

/// Something happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What.
    pub event: EventKind,
    /// The ticket as it now is.
    pub ticket: Ticket,
}

/// Why the tracker refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// No such ticket.
    #[error("there is no ticket {0:?}")]
    NotFound(String),
    /// The id is taken.
    #[error("there is already a ticket {0:?}")]
    Exists(String),
    /// Cancelled tickets do not change.
    #[error("the ticket {0:?} is cancelled; that is final")]
    Cancelled(String),
}

/// All tickets.
#[derive(Debug, Default)]
pub struct Tracker {
    records: BTreeMap<String, Record>,
    comments: u64,
}

impl Tracker {
    /// Creates a ticket. `pages` makes a ticket's page from its id; without it the ticket keeps the URL it was given.
    ///
    /// # Errors
    /// When the id is taken.
    pub fn create(
        &mut self,
        new: NewTicket,
        pages: impl Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Result<Event, TrackerError> {
        let id = new.id.unwrap_or_else(|| self.next_id());
        if self.records.contains_key(&id) {
            return Err(TrackerError::Exists(id));
        }
        let someone = || Person { id: "u-1".to_owned(), email: "reporter@flux-lens.example".to_owned() };
        let ticket = Ticket {
            version: new.version.unwrap_or(1),
            updated_at: new.updated_at.unwrap_or(now),
            title: new.title,
            description: new.description,
            url: pages(&id).or(new.url).unwrap_or_default(),
            priority: new.priority,
            labels: new.labels,
            reporter: new.reporter.unwrap_or_else(someone),
            assignee: new.assignee,
            repository: new.repository,
            base_branch: new.base_branch.unwrap_or_else(|| "main".to_owned()),
            id: id.clone(),
        };
        let event = Event { event: EventKind::Created, ticket: ticket.clone() };
        self.records.insert(id, Record { ticket, status: Status::Open, comments: Vec::new() });
        Ok(event)
    }

    fn next_id(&self) -> String {
        // One more number than there are tickets: one of them is free.
        let mut ids = (1..=self.records.len() + 1).map(|number| format!("FL-{number}"));
        let free = ids.find(|id| !self.records.contains_key(id));
        free.unwrap_or_default()
    }

    /// Changes a ticket as a person does. Nothing happens, and no event, when nothing differs.
    ///
    /// # Errors
    /// When there is no such ticket or it is cancelled.
    pub fn change(&mut self, id: &str, change: TicketChange, now: Timestamp) -> Result<Option<Event>, TrackerError> {
        let record = self.open(id, change.status)?;
        let before = record.clone();
        let ticket = &mut record.ticket;
        set(&mut ticket.title, change.title);
        set(&mut ticket.description, change.description);
        set(&mut ticket.priority, change.priority);
        set(&mut ticket.labels, change.labels);
        set(&mut ticket.assignee, change.assignee.map(Some));
        set(&mut ticket.repository, change.repository);
        set(&mut ticket.base_branch, change.base_branch);
        set(&mut record.status, change.status);
        if *record == before {
            return Ok(None);
        }
        touch(&mut record.ticket, now);
        let cancelled = record.status == Status::Cancelled;
        let event = if cancelled { EventKind::Cancelled } else { EventKind::Updated };
        Ok(Some(Event { event, ticket: record.ticket.clone() }))
    }

    /// Moves a ticket to another status. Nothing happens, and no event, when it has it already.
    ///
    /// # Errors
    /// When there is no such ticket, or it is cancelled and `status` is something else.
    pub fn set_status(&mut self, id: &str, status: Status, now: Timestamp) -> Result<Option<Event>, TrackerError> {
        self.change(id, TicketChange { status: Some(status), ..TicketChange::default() }, now)
    }

    /// Adds a comment. It leaves version and time of the ticket alone and is no event.
    ///
    /// # Errors
    /// When there is no such ticket.
    pub fn comment(&mut self, id: &str, body: String, now: Timestamp) -> Result<Comment, TrackerError> {
        let record = self.records.get_mut(id).ok_or_else(|| TrackerError::NotFound(id.to_owned()))?;
        self.comments += 1;
        let comment =
            Comment { id: format!("c-{}", self.comments), author: INTEGRATION.to_owned(), body, created_at: now };
        record.comments.push(comment.clone());
        Ok(comment)
    }

    /// One ticket.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn get(&self, id: &str) -> Result<&Record, TrackerError> {
        self.records.get(id).ok_or_else(|| TrackerError::NotFound(id.to_owned()))
    }

    /// All tickets, by id.
    pub fn list(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    fn open(&mut self, id: &str, wanted: Option<Status>) -> Result<&mut Record, TrackerError> {
        let record = self.records.get_mut(id).ok_or_else(|| TrackerError::NotFound(id.to_owned()))?;
        if record.status == Status::Cancelled && wanted != Some(Status::Cancelled) {
            return Err(TrackerError::Cancelled(id.to_owned()));
        }
        Ok(record)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Raises version and time, the time by at least a millisecond.
fn touch(ticket: &mut Ticket, now: Timestamp) {
    ticket.version += 1;
    let later = ticket.updated_at.checked_add(SignedDuration::from_millis(1)).unwrap_or(ticket.updated_at);
    ticket.updated_at = now.max(later);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn tracker() -> Tracker {
        let mut tracker = Tracker::default();
        let new = serde_json::from_str(r#"{"title": "Fix it", "repository": "acme/shop"}"#).unwrap();
        let event = tracker.create(new, |id| Some(format!("http://sim/t/{id}")), NOW).unwrap();
        assert_eq!(event.event, EventKind::Created);
        tracker
    }

    fn title(title: &str) -> TicketChange {
        TicketChange { title: Some(title.to_owned()), ..TicketChange::default() }
    }

    #[test]
    fn a_new_ticket_is_filled_in() {
        let tracker = tracker();
        let record = tracker.get("FL-1").unwrap();
        assert_eq!((record.ticket.version, record.status), (1, Status::Open));
        assert_eq!((record.ticket.url.as_str(), record.ticket.base_branch.as_str()), ("http://sim/t/FL-1", "main"));
    }

    #[test]
    fn ids_are_unique_and_the_next_is_free() {
        let mut tracker = tracker();
        let new = |json: &str| serde_json::from_str::<NewTicket>(json).unwrap();
        let taken = new(r#"{"id": "FL-1", "title": "a", "repository": "a/b"}"#);
        assert_eq!(tracker.create(taken, |_| None, NOW), Err(TrackerError::Exists("FL-1".into())));
        let given = new(r#"{"id": "FL-2", "title": "a", "repository": "a/b", "version": 7, "url": "https://x"}"#);
        let given = tracker.create(given, |_| None, NOW).unwrap().ticket;
        assert_eq!((given.version, given.url.as_str()), (7, "https://x"));
        let next = new(r#"{"title": "a", "repository": "a/b"}"#);
        assert_eq!(tracker.create(next, |_| None, NOW).unwrap().ticket.id, "FL-3");
    }

    #[test]
    fn version_and_time_rise_even_when_the_clock_stands() {
        let mut tracker = tracker();
        let times: Vec<_> =
            ["a", "b", "c"].map(|text| tracker.change("FL-1", title(text), NOW).unwrap().unwrap()).into();
        assert_eq!(times.iter().map(|event| event.ticket.version).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(times.is_sorted_by(|a, b| a.ticket.updated_at < b.ticket.updated_at));
    }

    #[test]
    fn what_changes_nothing_is_no_event() {
        let mut tracker = tracker();
        assert_eq!(tracker.change("FL-1", title("Fix it"), NOW), Ok(None));
        assert_eq!(tracker.set_status("FL-1", Status::Open, NOW), Ok(None));
        tracker.comment("FL-1", "Hello".to_owned(), NOW).unwrap();
        let record = tracker.get("FL-1").unwrap();
        assert_eq!((record.ticket.version, record.comments.len()), (1, 1));
    }

    #[test]
    fn a_cancel_is_final() {
        let mut tracker = tracker();
        let event = tracker.set_status("FL-1", Status::Cancelled, NOW).unwrap().unwrap();
        assert_eq!(event.event, EventKind::Cancelled);
        assert_eq!(tracker.set_status("FL-1", Status::Cancelled, NOW), Ok(None));
        let refused = Err(TrackerError::Cancelled("FL-1".into()));
        assert_eq!(tracker.set_status("FL-1", Status::Blocked, NOW), refused);
        assert_eq!(tracker.change("FL-1", title("x"), NOW), refused);
        assert!(tracker.comment("FL-1", "Cancelled, as asked.".to_owned(), NOW).is_ok());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut tracker = tracker();
        let none = TrackerError::NotFound("FL-9".into());
        assert_eq!(tracker.set_status("FL-9", Status::Done, NOW), Err(none.clone()));
        assert_eq!(tracker.comment("FL-9", "x".to_owned(), NOW), Err(none));
    }
}

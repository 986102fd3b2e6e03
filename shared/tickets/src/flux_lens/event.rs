//! The body of a webhook of Flux Lens, read into our own words.
//!
//! Only what is needed is read; other fields are ignored, so that the tracker may add some. Every error names the
//! field it is about, because its text is what the sender gets to see.

use domain::ids::{Repository, TicketKey};
use domain::person::Person;
use domain::ticket::{MAX_TITLE_BYTES, Priority, Ticket, TicketEvent, TicketEventKind};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The events that are understood.
pub const EVENT_NAMES: [&str; 3] = ["ticket.created", "ticket.updated", "ticket.cancelled"];

/// Longest ticket id, bytes.
const MAX_ID_BYTES: usize = 200;
/// Longest branch name, bytes; Git's own limit is that of a file name.
const MAX_BRANCH_BYTES: usize = 250;
/// Longest address of a ticket's page, bytes.
const MAX_URL_BYTES: usize = 2_000;

/// Why a body is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// It is not JSON at all.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// A field is missing or cannot be used.
    #[error("the field `{field}` {problem}")]
    Field {
        /// The field, such as `ticket.repository`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An event that is not one of [`EVENT_NAMES`].
    #[error("the event `{}` is not known; known are {}", event.escape_debug(), EVENT_NAMES.join(", "))]
    UnknownEvent {
        /// Its name as it was sent, at most 80 characters.
        event: String,
    },
}

impl InvalidEvent {
    /// The field that the error is about; `None` when the body is not JSON.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::NotJson(_) => None,
            Self::Field { field, .. } => Some(field),
            Self::UnknownEvent { .. } => Some("event"),
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Head {
    event: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body {
    ticket: Option<RawTicket>,
}

// Required fields are options, so that a missing one is reported with its whole path.
#[derive(Deserialize)]
#[serde(expecting = "a ticket")]
struct RawTicket {
    id: Option<String>,
    version: Option<u64>,
    updated_at: Option<Timestamp>,
    title: Option<String>,
    description: Option<String>,
    url: Option<String>,
    priority: Option<Priority>,
    labels: Option<Vec<String>>,
    reporter: Option<RawPerson>,
    assignee: Option<RawPerson>,
    repository: Option<String>,
    base_branch: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a person")]
struct RawPerson {
    id: Option<String>,
    email: Option<String>,
}

/// Reads the body of a webhook whose signature was checked.
///
/// # Errors
/// [`InvalidEvent`], which names the field.
pub fn parse_event(body: &[u8]) -> Result<TicketEvent, InvalidEvent> {
    // The event comes first: one that we do not know may have any other form.
    let head: Head = read(body)?;
    let kind = event_kind(need("event", head.event)?)?;
    let body: Body = read(body)?;
    Ok(TicketEvent { kind, ticket: ticket(need("ticket", body.ticket)?)? })
}

fn event_kind(event: String) -> Result<TicketEventKind, InvalidEvent> {
    match event.as_str() {
        "ticket.created" => Ok(TicketEventKind::Created),
        "ticket.updated" => Ok(TicketEventKind::Updated),
        "ticket.cancelled" => Ok(TicketEventKind::Cancelled),
        _ => Err(InvalidEvent::UnknownEvent { event: event.chars().take(80).collect() }),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, InvalidEvent> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        if error.inner().is_data() {
            let field = error.path().to_string();
            bad(if field == "." { "(the whole body)" } else { &field }, format!("is invalid: {}", error.inner()))
        } else {
            InvalidEvent::NotJson(error.inner().to_string())
        }
    })?;
    json.end().map_err(|error| InvalidEvent::NotJson(error.to_string()))?;
    Ok(value)
}

fn bad(field: &str, problem: impl Into<String>) -> InvalidEvent {
    InvalidEvent::Field { field: field.to_owned(), problem: problem.into() }
}

fn need<T>(field: &str, value: Option<T>) -> Result<T, InvalidEvent> {
    value.ok_or_else(|| bad(field, "is missing"))
}

fn ticket(raw: RawTicket) -> Result<Ticket, InvalidEvent> {
    Ok(Ticket {
        key: TicketKey::flux_lens(id("ticket.id", need("ticket.id", raw.id)?)?),
        version: need("ticket.version", raw.version)?,
        updated_at: need("ticket.updated_at", raw.updated_at)?,
        title: title(&need("ticket.title", raw.title)?)?,
        description: raw.description.unwrap_or_default(),
        url: page(need("ticket.url", raw.url)?)?,
        priority: raw.priority.unwrap_or_default(),
        labels: raw.labels.unwrap_or_default(),
        reporter: reporter(need("ticket.reporter", raw.reporter)?)?,
        assignee: raw.assignee.map(|raw| person("ticket.assignee", raw)).transpose()?,
        repository: repository(&need("ticket.repository", raw.repository)?)?,
        base_branch: raw.base_branch.map_or_else(|| Ok("main".to_owned()), base_branch)?,
    })
}

/// The id stands in keys, links and branch names, so it is a plain word.
fn id(field: &str, text: String) -> Result<String, InvalidEvent> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    if text.is_empty() || text.len() > MAX_ID_BYTES || !plain || matches!(text.as_str(), "." | "..") {
        let rule = format!("must have 1 to {MAX_ID_BYTES} letters, digits, `-`, `_`, `.` or `:`");
        return Err(bad(field, rule));
    }
    Ok(text)
}

/// The title on one line: runs of white space and control characters become one space.
fn title(text: &str) -> Result<String, InvalidEvent> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let title = words.collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return Err(bad("ticket.title", "is empty"));
    }
    if title.len() > MAX_TITLE_BYTES {
        let problem = format!("has {} bytes; at most {MAX_TITLE_BYTES} are allowed", title.len());
        return Err(bad("ticket.title", problem));
    }
    Ok(title)
}

/// The ticket's page becomes a link in mails and pages: only the web.
fn page(text: String) -> Result<String, InvalidEvent> {
    let web = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    if text.len() <= MAX_URL_BYTES && !text.chars().any(char::is_control) && url::Url::parse(&text).is_ok_and(web) {
        Ok(text)
    } else {
        Err(bad("ticket.url", format!("must be an http or https address of at most {MAX_URL_BYTES} bytes")))
    }
}

fn person(field: &str, raw: RawPerson) -> Result<Person, InvalidEvent> {
    let id_field = format!("{field}.id");
    let id = id(&id_field, need(&id_field, raw.id)?)?;
    let email = raw.email.map(|text| email(field, text)).transpose()?;
    let name = email.clone().unwrap_or_else(|| id.clone());
    Ok(Person { name, email, tracker_id: Some(id), ..Person::default() })
}

/// The reporter needs an address: approvers are known by theirs, and nobody approves what they asked for.
fn reporter(raw: RawPerson) -> Result<Person, InvalidEvent> {
    let person = person("ticket.reporter", raw)?;
    need("ticket.reporter.email", person.email.as_ref())?;
    Ok(person)
}

fn email(field: &str, text: String) -> Result<String, InvalidEvent> {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
    let whole = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if text.len() <= 320 && plain && whole {
        Ok(text)
    } else {
        Err(bad(&format!("{field}.email"), "is not an e-mail address"))
    }
}

fn repository(text: &str) -> Result<Repository, InvalidEvent> {
    text.parse().map_err(|_| {
        bad("ticket.repository", "must be `owner/name` of letters, digits, `-`, `_` and `.`, such as `acme/shop`")
    })
}

fn base_branch(text: String) -> Result<String, InvalidEvent> {
    let full = format!("refs/heads/{text}");
    // Git takes a leading dash in a reference, but not in a branch: it would be read as an option.
    let valid = !text.starts_with('-') && gix_validate::reference::branch_name(full.as_str().into()).is_ok();
    if text.len() > MAX_BRANCH_BYTES || !valid {
        return Err(bad("ticket.base_branch", "is not a name that a branch can have"));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;

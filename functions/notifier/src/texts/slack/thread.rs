//! What is said in a message's thread: few lines, so that they are read.

use domain::audit::AuditEntry;
use domain::gate::{Gate, GateKind, GateStatus, Stage};
use domain::person::Person;
use domain::workflow::Event;
use slack::Message;
use slack::blocks::SlackBlock;

use super::parts::{line, note, notification, ours, paragraph};
use super::{address, moment};
use crate::texts::words::{count, ending};

/// Most people who are named at once.
const MAX_PEOPLE: usize = 20;

/// What an audit entry means to people who follow the work; nothing where the message itself shows it, or nobody need
/// know at once.
pub fn progress(entry: &AuditEntry) -> Option<Message> {
    if entry.to.is_terminal() && !entry.from.is_terminal() {
        return Some(said(&format!("{}.", ending(entry.to))));
    }
    let words = match &entry.event {
        Event::GateDecided { kind, status: GateStatus::RevisionRequested, .. } => match kind {
            GateKind::Spec => "Planning again, with what was said.".to_owned(),
            GateKind::Pr => "The coding agent works on what was said.".to_owned(),
        },
        Event::SpecWentStale { .. } => {
            "The repository or the ticket changed under the approved plan. Planning again.".to_owned()
        }
        Event::Resumed { resumption, .. } => {
            format!("The work goes on: an administrator asked to {}.", resumption.from.describe())
        }
        Event::RunPrepared { attempt, .. } => format!("The coding agent has started: attempt {attempt}."),
        Event::QaFinished { attempt, passed: true, .. } => format!("Attempt {attempt} passed its checks."),
        Event::QaFinished { attempt, blocking, .. } => {
            let names =
                if blocking.is_empty() { String::new() } else { format!(": {}", line(&blocking.join(", "), 300)) };
            format!("Attempt {attempt} did not pass its checks{names}.")
        }
        // The checks' result was told.
        Event::AttemptFailed { .. } if entry.from == domain::WorkflowState::QaRunning => return None,
        Event::AttemptFailed { attempt, violations, .. } if violations.is_empty() => {
            format!("Attempt {attempt} came to no result.")
        }
        Event::AttemptFailed { attempt, violations, .. } => {
            format!("Attempt {attempt} was refused: {} outside of the plan.", count(violations.len(), "change"))
        }
        Event::PrPublished { number, url, .. } => {
            let text = format!("Pull request {number} is there.");
            let link = address(url).map(|link| ours(&format!("<{link}|Pull request {number}> is there.")));
            return Some(Message { blocks: vec![link.unwrap_or_else(|| paragraph(&text))], text });
        }
        Event::MergeConflict { .. } => "The pull request no longer merges; the coding agent works on that.".to_owned(),
        _ => return None,
    };
    Some(said(&words))
}

/// Tells those who have not answered that time passes.
pub fn reminder(gate: &Gate, stage: Stage, silent: &[&Person], team: &str) -> Message {
    let why = match stage {
        Stage::Asked => "The plan was edited and asks again.",
        Stage::Reminded => "Half of the time is over.",
        Stage::Escalated => "Nobody has decided; more people are asked now.",
        Stage::LastCall => "Last call: the time is nearly over.",
    };
    calling(&format!("{why} Until {}.", moment(gate.due_at)), why, silent, team)
}

/// Tells somebody that they are asked now.
pub fn handed_on(gate: &Gate, to: &Person, team: &str) -> Message {
    let words = "This was handed on and is asked of you now.";
    calling(&format!("{words} Until {}.", moment(gate.due_at)), words, &[to], team)
}

/// Stands for everything more that would be asked in a channel this hour.
pub fn limit_reached(limit: u32, base_url: &str) -> Message {
    let text = format!(
        "{limit} questions were asked here within the hour, which is the limit. More wait; mail and console have them all."
    );
    let link = address(base_url).map(|link| ours(&format!("<{link}/|All that waits for a decision>")));
    let mut blocks = vec![paragraph(&text)];
    blocks.extend(link);
    Message { text, blocks }
}

/// Our words with mentions of whom Slack knows, and the names of the others below.
fn calling(markup: &str, text: &str, people: &[&Person], team: &str) -> Message {
    let shown = &people[..people.len().min(MAX_PEOPLE)];
    let (known, others): (Vec<_>, Vec<_>) =
        shown.iter().map(|person| (mention(person, team), person)).partition(|(m, _)| m.is_some());
    let mentions: Vec<String> = known.into_iter().filter_map(|(mention, _)| mention).collect();
    let mut blocks: Vec<SlackBlock> = vec![ours([mentions.join(" "), markup.to_owned()].join(" ").trim_start())];
    let names: Vec<String> = others.iter().map(|(_, person)| line(person.label(), 80)).collect();
    if !names.is_empty() {
        blocks.push(note(&format!("Not answered yet, and asked by mail: {}", names.join(", "))));
    }
    Message { text: notification(text), blocks }
}

/// A person of this workspace, by an id that has only letters and digits.
fn mention(person: &Person, team: &str) -> Option<String> {
    let (of, member) = person.slack_id.as_deref()?.split_once('/')?;
    let is_id = member.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    (of == team && is_id && !member.is_empty()).then(|| format!("<@{member}>"))
}

fn said(words: &str) -> Message {
    Message { text: notification(words), blocks: vec![paragraph(words)] }
}

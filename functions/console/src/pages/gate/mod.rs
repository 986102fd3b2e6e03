//! A gate's page: everything that is needed to decide, and the form.

mod compare;
mod edit;
mod form;
mod subject;

use domain::Timestamp;
use domain::diff::ChangeDiff;
use domain::gate::{Gate, GateKind, GateStatus};
use domain::person::Actor;
use domain::qa::QaReport;
use domain::spec::Spec;
use domain::text;
use domain::workflow::{ChangedFile, SpecEdit, Workflow};
use maud::{Markup, html};

pub(crate) use edit::{EditFacts, edit};

use super::layout::frame;
use super::parts::{line, moment, summary};
use super::words;
use crate::gate::{Answer, Seat};

/// Longest comment on the page, characters: all of it.
const MAX_COMMENT: usize = domain::gate::MAX_COMMENT_BYTES;

/// What is decided on.
pub(crate) struct GateFacts {
    pub(crate) workflow: Workflow,
    /// The files of the last verified change set.
    pub(crate) changed: Vec<ChangedFile>,
    /// The SPEC that is asked about, or that was approved.
    pub(crate) spec: Option<Spec>,
    pub(crate) qa: Option<QaReport>,
    /// The lines of the change that is asked about.
    pub(crate) diff: Option<ChangeDiff>,
    /// The SPEC that people saw before this one.
    pub(crate) previous: Option<Spec>,
    /// The reader's own edit, which they have not approved.
    pub(crate) edit: Option<(SpecEdit, Spec)>,
    pub(crate) now: Timestamp,
}

/// What a decision form needs besides the gate's documents.
pub(crate) struct FormFacts<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) seat: &'a Seat<'a>,
    pub(crate) notice: Option<&'a str>,
    /// What was sent and did not count: nobody types it again.
    pub(crate) answer: &'a Answer,
}

/// Which question a gate asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Plan,
    Amendment,
    Merge,
}

impl Question {
    fn of(gate: &Gate, facts: &GateFacts) -> Self {
        let amendment = facts.spec.as_ref().is_some_and(|spec| spec.amendment.is_some());
        match gate.subject.kind() {
            GateKind::Spec if amendment => Self::Amendment,
            GateKind::Spec => Self::Plan,
            GateKind::Pr => Self::Merge,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Plan => "May this be built?",
            Self::Amendment => "May the agent change these files as well?",
            Self::Merge => "May this be merged?",
        }
    }
}

pub(crate) fn gate(documents: &GateFacts, form: &FormFacts<'_>) -> Markup {
    let question = Question::of(form.gate, documents);
    let body = html! {
        (summary(&documents.workflow))
        @if let Some(notice) = form.notice { p.notice role="alert" { (notice) } }
        p.narrow { a href="#decide" { "To the decision" } }
        div.split {
            div { (subject::subject(documents, question, form.answer)) }
            aside #decide { (form::panel(documents, form, question)) }
        }
    };
    frame(question.words(), &html! { "pi-tickets" }, &body)
}

/// The page after a decision, and after the time for one.
pub(crate) fn decided(facts: &GateFacts, gate: &Gate) -> Markup {
    let what = words::subject(gate.subject.kind());
    let (title, class) = match gate.status {
        GateStatus::Pending | GateStatus::Expired => (format!("Time is up for {what}"), "waiting"),
        GateStatus::Approved => (format!("Thank you: {what} was approved"), "good"),
        GateStatus::RevisionRequested => (format!("Thank you: {what} was sent back"), "waiting"),
        GateStatus::Rejected => (format!("Thank you: {what} was rejected"), "bad"),
        GateStatus::Cancelled => (format!("Cancelled: {what} needs no decision any more"), "waiting"),
    };
    let body = html! {
        (summary(&facts.workflow))
        section {
            h2 class=(class) { (title) }
            @match &gate.decision {
                Some(decision) => {
                    p { @match &decision.by {
                        Actor::Person { person, channel } => { "By " strong { (line(person.label())) } " (" (channel.as_str()) "), " },
                        Actor::System { .. } => "By the system, ",
                    } (moment(decision.at)) "." }
                    @if let Some(comment) = &decision.comment { blockquote { (text::lines(comment, MAX_COMMENT)) } }
                },
                None => p { "Nobody decided before " (moment(gate.due_at)) "." },
            }
            p.soft { "A decision is made once. This link decides nothing any more; you may close this page." }
        }
    };
    frame(&title, &html! { "pi-tickets" }, &body)
}

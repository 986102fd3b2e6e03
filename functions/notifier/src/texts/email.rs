//! Mails that ask for a decision. Each has one link; nothing in it is loaded from elsewhere.

mod evidence;
mod html;
mod plain;

use domain::Timestamp;
use domain::gate::policy::RiskReason;
use domain::gate::{Gate, Stage};
use domain::path::Protection;
use domain::qa::QaReport;
use domain::spec::{FileAction, Spec, SpecFile};
use domain::text;
use domain::ticket::Ticket;
use domain::workflow::{ChangedFile, Workflow};

use super::Mail;
use super::words::{count, dollars, left, time, usd};

/// Longest quoted part of a ticket or SPEC, characters.
const MAX_PROSE: usize = 700;
/// Most files that are named.
const MAX_FILES: usize = 40;

/// What every mail about a gate has in common.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The gate.
    pub gate: &'a Gate,
    /// Why they are written to now.
    pub call: Call,
    /// The time of sending.
    pub now: Timestamp,
    /// The recipient's own approval link.
    pub url: &'a str,
}

/// Why somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The gate was opened.
    First,
    /// Nobody has decided, or what is asked about was replaced by an approver's edit.
    Again(Stage),
    /// Somebody handed it on to them.
    HandedOn,
}

impl Call {
    /// What the subject begins with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::First => "",
            Self::Again(Stage::Asked) => "Edited: ",
            Self::Again(Stage::Reminded) => "Reminder: ",
            Self::Again(Stage::Escalated) => "Still undecided: ",
            Self::Again(Stage::LastCall) => "Last call: ",
            Self::HandedOn => "Handed on to you: ",
        }
    }

    /// Why they are asked, before the question.
    fn reason(self, gate: &Gate) -> String {
        match self {
            Self::First => String::new(),
            Self::Again(Stage::Asked) => {
                "An approver edited the plan and approved it so. Earlier approvals were of the plan before and count \
                 no more. "
                    .to_owned()
            }
            Self::Again(Stage::Reminded) => format!("This has waited for you since {}. ", time(gate.created_at)),
            Self::Again(Stage::Escalated) => {
                format!("Nobody has decided since {}, so more people are asked now. ", time(gate.created_at))
            }
            Self::Again(Stage::LastCall) => "The time to decide is nearly over. ".to_owned(),
            Self::HandedOn => match gate.delegations.last() {
                Some(delegation) => format!("{} handed this decision on to you. ", line(&delegation.from.label(), 120)),
                None => String::new(),
            },
        }
    }
}

/// How many approvals it takes, why so many, and which are there.
fn approvals(gate: &Gate) -> Option<String> {
    let quorum = &gate.quorum;
    if quorum.called_for <= 1 && quorum.reasons.is_empty() {
        return None;
    }
    let mut words = vec![format!("{} of {} given", gate.approvals.len(), quorum.required)];
    if !quorum.reasons.is_empty() {
        let reasons: Vec<String> = quorum.reasons.iter().map(RiskReason::describe).collect();
        words.push(format!("raised because of {}", reasons.join(", ")));
    }
    if quorum.called_for > quorum.required {
        words.push(format!("{} were called for, but no more people can give one", quorum.called_for));
    }
    Some(words.join("; "))
}

/// The parts of a mail, from which both forms are made. Foreign words in it are defused, but not escaped.
struct Letter<'a> {
    subject: String,
    headline: String,
    question: String,
    sections: Vec<(&'static str, Part)>,
    deadline: String,
    button: &'static str,
    url: &'a str,
}

/// Content of a section.
enum Part {
    Prose(String),
    Files(Vec<FileLine>),
    Facts(Vec<(&'static str, String)>),
}

/// A file in a list.
struct FileLine {
    path: String,
    action: &'static str,
    note: String,
    protected: bool,
}

/// Asks for a decision on a SPEC: a plan, or an amendment of an approved one.
pub fn spec_mail(frame: &Frame<'_>, spec: &Spec) -> Mail {
    let text = &spec.text;
    let (added, files) = spec.added_first();
    let mut facts = vec![
        ("Confidence", format!("{:.0} %", text.confidence * 100.0)),
        ("Forecast", format!("{}, {}", dollars(text.estimated_usd), count(text.estimated_minutes as usize, "minute"))),
        ("Checks", count(text.verification_checklist.len(), "item")),
    ];
    if !text.new_dependencies.is_empty() {
        let names = text.new_dependencies.iter().map(|new| format!("{} {}", new.name, new.version));
        facts.push(("New packages", line(&names.collect::<Vec<_>>().join(", "), 300)));
    }
    if spec.revision.get() > 1 {
        facts.push(("Revision", spec.revision.to_string()));
    }
    let (title, repository) = (line(&frame.workflow.ticket.title, 120), &frame.workflow.ticket.repository);
    let plan = [
        ("What the ticket asks", Part::Prose(ticket_words(frame.ticket))),
        ("What is wrong", prose(&text.problem_statement)),
        ("What will be done", prose(&text.proposed_solution)),
    ];
    let numbers = ("In numbers", Part::Facts(with_origin(frame, facts)));
    let (prefix, reason) = (frame.call.prefix(), frame.call.reason(frame.gate));
    let (headline, deadline, url) = (line(&text.title, 200), deadline(frame), frame.url);
    let letter = match &spec.amendment {
        None => Letter {
            subject: format!("{prefix}Plan to approve: {title}"),
            headline,
            question: format!("{reason}May this be built in {repository}?"),
            sections: again(frame.workflow)
                .into_iter()
                .chain(plan)
                .chain([("Files that may change", spec_files(&files)), numbers])
                .collect(),
            deadline,
            button: "Read the plan and decide",
            url,
        },
        Some(amendment) => {
            let more = count(added.len(), "more file");
            Letter {
                subject: format!("{prefix}Amendment to approve: {more} for {title}"),
                headline,
                question: format!(
                    "{reason}This is an amendment of the plan that was approved (revision {}): while it worked, the coding \
                     agent asked for {more}. Everything else is as approved. May the agent change these as well in \
                     {repository}?",
                    amendment.of
                ),
                sections: [
                    ("Added files", spec_files(&added)),
                    ("Why, in the agent's own words, which nobody has checked", prose(&amendment.agent_reason)),
                    ("Files that are approved already", spec_files(&files)),
                ]
                .into_iter()
                .chain(plan)
                .chain([numbers])
                .collect(),
                deadline,
                button: "Read the amendment and decide",
                url,
            }
        }
    };
    letter.mail()
}

/// Why a plan that was asked about before is another one now: what a person wished for, or what became of the
/// repository or the ticket meanwhile.
fn again(workflow: &Workflow) -> Option<(&'static str, Part)> {
    let reason = workflow.plan_feedback.as_deref().filter(|reason| !reason.trim().is_empty())?;
    Some(("Why you are asked again", prose(reason)))
}

fn spec_files(files: &[&SpecFile]) -> Part {
    Part::Files(file_lines(files.iter().map(|file| {
        (file.path.as_str(), file.action, file.protection, text::defused(&text::one_line(&file.reason, 160)))
    })))
}

/// Asks for a decision on a pull request.
pub fn pr_mail(frame: &Frame<'_>, files: &[ChangedFile], qa: Option<&QaReport>) -> Mail {
    let workflow = frame.workflow;
    let files = file_lines(files.iter().map(|file| (file.path.as_str(), file.action, file.protection, String::new())));
    let mut facts = vec![("Checks", qa.map_or_else(|| "no report".to_owned(), qa_words))];
    if let Some(qa) = qa {
        facts.extend(evidence::facts(qa));
    }
    facts.extend([("Attempts", workflow.attempt.to_string()), ("Cost", usd(&workflow.ledger.total()))]);
    let name = workflow.pr.as_ref().map_or_else(String::new, |pr| format!(" {}", pr.number));
    if let Some(pr) = &workflow.pr {
        // As text: the mail's one link is the decision's.
        facts.push(("Branch", line(&pr.branch, 200)));
        facts.push(("Head", pr.head_sha.as_str().chars().take(12).collect()));
    }
    let letter = Letter {
        subject: format!("{}Change to merge: {}", frame.call.prefix(), line(&workflow.ticket.title, 120)),
        headline: line(&workflow.ticket.title, 200),
        question: format!(
            "{}May pull request{name} be merged into {} of {}?",
            frame.call.reason(frame.gate),
            line(&workflow.ticket.base_branch, 100),
            workflow.ticket.repository
        ),
        sections: vec![
            ("What the ticket asks", Part::Prose(ticket_words(frame.ticket))),
            ("Files that changed", Part::Files(files)),
            ("In numbers", Part::Facts(with_origin(frame, facts))),
        ],
        deadline: deadline(frame),
        button: "See the change and decide",
        url: frame.url,
    };
    letter.mail()
}

/// The checks of a report in one line.
fn qa_words(qa: &QaReport) -> String {
    let passed = qa.gates.iter().filter(|gate| gate.passed()).count();
    let mut words = vec![format!("{passed} of {} passed", qa.gates.len())];
    let old: Vec<&str> = qa
        .gates
        .iter()
        .filter(|gate| !gate.passed() && gate.failed_on_base == Some(true))
        .map(|gate| gate.name.as_str())
        .collect();
    if !old.is_empty() {
        words.push(format!("failed before the change already: {}", line(&old.join(", "), 200)));
    }
    let open = qa.checklist.iter().filter(|item| item.passed.is_none()).count();
    if open > 0 {
        words.push(format!("{} for you to look at", count(open, "checklist item")));
    }
    words.join("; ")
}

fn with_origin(frame: &Frame<'_>, mut facts: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let ticket = &frame.workflow.ticket;
    if let Some(approvals) = approvals(frame.gate) {
        facts.insert(0, ("Approvals", approvals));
    }
    facts.push(("Asked for by", line(ticket.requester.label(), 120)));
    facts.push(("Ticket", line(&ticket.key.to_string(), 250)));
    facts
}

fn ticket_words(ticket: &Ticket) -> String {
    let body = text::lines(&ticket.description, MAX_PROSE);
    text::defused(&if body.is_empty() { text::one_line(&ticket.title, 300) } else { body })
}

fn prose(foreign: &str) -> Part {
    Part::Prose(text::defused(&text::lines(foreign, MAX_PROSE)))
}

fn line(foreign: &str, max: usize) -> String {
    text::defused(&text::one_line(foreign, max))
}

fn deadline(frame: &Frame<'_>) -> String {
    let due = frame.gate.due_at;
    format!(
        "You have {} to decide, until {}. If nobody decides by then, nothing is changed and the ticket is marked as blocked.",
        left(due, frame.now),
        time(due)
    )
}

/// The files, protected ones first.
fn file_lines<'a>(files: impl Iterator<Item = (&'a str, FileAction, Option<Protection>, String)>) -> Vec<FileLine> {
    let mut lines: Vec<FileLine> = files
        .map(|(path, action, protection, reason)| {
            let protected = protection.map(|p| format!("protected: {}", p.describe()));
            let note = [protected.clone().unwrap_or_default(), reason];
            FileLine {
                path: text::one_line(path, 300),
                action: action.as_str(),
                note: note.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(". "),
                protected: protected.is_some(),
            }
        })
        .collect();
    lines.sort_by_key(|line| !line.protected);
    lines
}

impl Letter<'_> {
    fn mail(&self) -> Mail {
        Mail { subject: self.subject.clone(), text: plain::render(self), html: html::render(self).into_string() }
    }
}

#[cfg(test)]
mod tests;

//! Messages in Slack: one for each gate, replaced as it is decided, and what happens next in its thread.

mod parts;
mod thread;

use domain::Timestamp;
use domain::budget::Usage;
use domain::gate::policy::RiskReason;
use domain::gate::{Gate, GateKind, GateStatus};
use domain::path::Protection;
use domain::qa::QaReport;
use domain::spec::{FileAction, Spec};
use domain::ticket::Ticket;
use domain::workflow::{ChangedFile, Workflow};
use slack::Message;
use slack::blocks::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement, SlackBlockButtonStyle,
    SlackBlockConfirmItem, SlackBlockPlainText,
};
use slack::buttons::{APPROVE, Asked, OPEN, REJECT, REVISE};
use url::Url;

use self::parts::{heading, line, lines, named, note, notification, ours, paragraph};
use super::words::{count, dollars, time, usd};
pub use thread::{handed_on, limit_reached, progress, reminder};

/// Longest quoted part of a ticket or SPEC, characters.
const MAX_PROSE: usize = 500;
/// Most files that are named.
const MAX_FILES: usize = 15;
/// Most risks that are named.
const MAX_RISKS: usize = 5;

/// What a message about a gate is made of.
#[derive(Debug, Clone, Copy)]
pub struct GateFacts<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The gate.
    pub gate: &'a Gate,
    /// The page of the gate.
    pub gate_page: &'a str,
    /// The page of the workflow.
    pub workflow_page: &'a str,
}

/// What is decided on.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// A SPEC.
    Spec(&'a Spec),
    /// A pull request.
    Pr {
        /// The files that it changes.
        files: &'a [ChangedFile],
        /// The report of its checks, where it can be read.
        qa: Option<&'a QaReport>,
    },
}

/// Asks for a decision.
pub fn question(facts: &GateFacts<'_>, ticket: &Ticket, about: About<'_>) -> Message {
    let (workflow, gate) = (facts.workflow, facts.gate);
    let title = line(&workflow.ticket.title, 110);
    let (what, subject, mut blocks) = match about {
        About::Spec(spec) => spec_parts(workflow, spec),
        About::Pr { files, qa } => pr_parts(workflow, files, qa),
    };
    let text = format!("{what}: {title}");
    let mut all = vec![heading(&text), paragraph(&subject), ours(&standing(gate))];
    all.extend(approvals(gate));
    all.append(&mut blocks);
    all.extend(named("What the ticket asks", &ticket_words(ticket)));
    all.push(note(&origin(facts)));
    all.push(buttons(facts));
    Message { text: notification(&text), blocks: all }
}

/// Takes the question's place when it is answered, or can no longer be.
pub fn outcome(facts: &GateFacts<'_>) -> Message {
    let (workflow, gate) = (facts.workflow, facts.gate);
    let what = match gate.subject.kind() {
        GateKind::Spec => "Plan",
        GateKind::Pr => "Change",
    };
    let how = match gate.status {
        GateStatus::Pending => "closed, because the work on it has ended",
        GateStatus::Approved => "approved",
        GateStatus::RevisionRequested => "sent back",
        GateStatus::Rejected => "rejected",
        GateStatus::Expired => "not decided in time",
        GateStatus::Cancelled => "cancelled before it was decided",
    };
    let text = format!("{what} {how}: {}", line(&workflow.ticket.title, 110));
    let mut blocks = vec![heading(&text)];
    if let Some(decision) = &gate.decision {
        let by = format!("By {}, {}", line(&decision.by.label(), 120), time(decision.at));
        let words = decision.comment.as_deref().map(|words| lines(words, MAX_PROSE)).unwrap_or_default();
        blocks.push(paragraph(&if words.is_empty() { by } else { format!("{by}:\n{words}") }));
    }
    if gate.quorum.required > 1 {
        blocks.extend(approvals(gate));
    }
    blocks.push(note(&origin(facts)));
    blocks.extend(open(facts.workflow_page).map(|button| SlackActionsBlock::new(vec![button]).into()));
    Message { text: notification(&text), blocks }
}

fn spec_parts(workflow: &Workflow, spec: &Spec) -> (&'static str, String, Vec<SlackBlock>) {
    let (added, files) = spec.added_first();
    let row = |file: &&domain::spec::SpecFile| (file.path.as_str().to_owned(), file.action, file.protection);
    let repository = &workflow.ticket.repository;
    let mut blocks = Vec::new();
    let (what, subject) = match &spec.amendment {
        None => ("Plan to approve", format!("May this be built in {repository}?\n{}", line(&spec.text.title, 200))),
        Some(amendment) => {
            let more = count(added.len(), "more file");
            blocks.extend(named("Added files", &file_lines(added.iter().map(row).collect())));
            let reason = lines(&amendment.agent_reason, MAX_PROSE);
            blocks.extend(named("Why, in the agent's own words, which nobody has checked", &reason));
            let question = format!(
                "The coding agent asks for {more} in {repository}. Everything else is as approved in revision {}.",
                amendment.of
            );
            ("Amendment to approve", question)
        }
    };
    let mut risks: Vec<String> = spec.text.risks.iter().map(|risk| format!("• {}", line(&risk.risk, 200))).collect();
    risks.extend(
        spec.text
            .new_dependencies
            .iter()
            .map(|new| format!("• New package: {} {}", line(&new.name, 80), line(&new.version, 40))),
    );
    let more = risks.len().saturating_sub(MAX_RISKS);
    risks.truncate(MAX_RISKS);
    if more > 0 {
        risks.push(format!("• and {more} more"));
    }
    blocks.extend(named("Risks", &risks.join("\n")));
    blocks.extend(named("Files that may change", &file_lines(files.iter().map(row).collect())));
    blocks.extend(named("What is wrong", &lines(&spec.text.problem_statement, MAX_PROSE)));
    blocks.extend(named("What will be done", &lines(&spec.text.proposed_solution, MAX_PROSE)));
    blocks.push(note(&format!(
        "Revision {}, confidence {:.0} %, forecast {} and {}",
        spec.revision,
        spec.text.confidence * 100.0,
        dollars(spec.text.estimated_usd),
        count(spec.text.estimated_minutes as usize, "minute")
    )));
    (what, subject, blocks)
}

fn pr_parts(
    workflow: &Workflow,
    files: &[ChangedFile],
    qa: Option<&QaReport>,
) -> (&'static str, String, Vec<SlackBlock>) {
    let number = workflow.pr.as_ref().map_or_else(String::new, |pr| format!(" {}", pr.number));
    let (branch, repository) = (line(&workflow.ticket.base_branch, 100), &workflow.ticket.repository);
    let subject = format!("May pull request{number} be merged into {branch} of {repository}?");
    let rows = files.iter().map(|file| (file.path.as_str().to_owned(), file.action, file.protection)).collect();
    let mut blocks = named("Files that changed", &file_lines(rows));
    let mut checks = qa.map_or_else(|| "No report of the checks can be shown here.".to_owned(), qa_words);
    checks.push_str(&spent(&workflow.ledger.total(), workflow));
    blocks.extend(named("Checks", &checks));
    if let Some(link) = workflow.pr.as_ref().and_then(|pr| address(&pr.url)) {
        blocks.push(ours(&format!("<{link}|See the pull request>")));
    }
    ("Change to merge", subject, blocks)
}

fn spent(usage: &Usage, workflow: &Workflow) -> String {
    format!("\n{}, {}.", count(workflow.attempt.get() as usize, "attempt"), usd(usage))
}

fn qa_words(qa: &QaReport) -> String {
    let mark = |gate: &domain::qa::GateResult| match (gate.passed(), gate.failed_on_base) {
        (true, _) => "passed",
        (false, Some(true)) => "failed, as it did before the change",
        (false, _) => "FAILED",
    };
    let mut rows: Vec<String> =
        qa.gates.iter().take(MAX_FILES).map(|gate| format!("• {}: {}", line(&gate.name, 80), mark(gate))).collect();
    if !qa.findings.is_empty() {
        rows.push(format!("• ⚠ {} about the tests", count(qa.findings.len(), "finding")));
    }
    rows.join("\n")
}

/// The files, protected ones first.
fn file_lines(mut files: Vec<(String, FileAction, Option<Protection>)>) -> String {
    files.sort_by_key(|(_, _, protection)| protection.is_none());
    let more = files.len().saturating_sub(MAX_FILES);
    let mut rows: Vec<String> = files
        .iter()
        .take(MAX_FILES)
        .map(|(path, action, protection)| {
            let mark = protection.map_or_else(String::new, |it| format!(" ⚠ protected: {}", it.describe()));
            format!("• {} ({}){mark}", line(path, 110), action.as_str())
        })
        .collect();
    if more > 0 {
        rows.push(format!("• and {more} more"));
    }
    rows.join("\n")
}

/// How many approvals, and until when: our own words and numbers alone.
fn standing(gate: &Gate) -> String {
    let given = gate.quorum.required.saturating_sub(gate.missing_approvals());
    let reasons: Vec<String> = gate.quorum.reasons.iter().map(RiskReason::describe).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" because of {}", reasons.join(", ")) };
    format!("*{given} of {} approvals*{why}. Until {}.", gate.quorum.required.max(1), moment(gate.due_at))
}

/// Who approved what is asked about.
fn approvals(gate: &Gate) -> Option<SlackBlock> {
    let names: Vec<String> = gate.approvals.iter().map(|approval| line(&approval.by.label(), 80)).collect();
    (!names.is_empty()).then(|| note(&format!("Approved by {}", names.join(", "))))
}

fn origin(facts: &GateFacts<'_>) -> String {
    let ticket = &facts.workflow.ticket;
    format!("Ticket {}, asked for by {}", line(&ticket.key.to_string(), 100), line(ticket.requester.label(), 120))
}

fn ticket_words(ticket: &Ticket) -> String {
    let body = lines(&ticket.description, MAX_PROSE);
    if body.is_empty() { line(&ticket.title, 300) } else { body }
}

/// A time in the reader's own zone. Slack's documentation, "Date formatting".
fn moment(at: Timestamp) -> String {
    format!("<!date^{}^{{date_short_pretty}}, {{time}}|{}>", at.as_second(), time(at))
}

/// An address of the web that can stand between `<` and `>`.
fn address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.as_str().replace('|', "%7C").replace('<', "%3C").replace('>', "%3E"))
}

fn buttons(facts: &GateFacts<'_>) -> SlackBlock {
    let gate = facts.gate;
    let value = Asked { gate: gate.id.clone(), subject_digest: gate.subject_digest }.to_string();
    let button = |text: &str, action: &str| {
        SlackBlockButtonElement::new(label(text).into()).with_action_id(action.into()).with_value(value.clone())
    };
    let (sure, words) = match gate.subject.kind() {
        GateKind::Spec => ("Approve the plan?", "The agent may then change exactly the files that it names."),
        GateKind::Pr => ("Approve the change?", "With the last approval it is merged."),
    };
    let confirm = SlackBlockConfirmItem::new(
        label(sure).into(),
        label(words).into(),
        label("Approve").into(),
        label("Not yet").into(),
    );
    let approve = button("Approve", APPROVE).with_style(SlackBlockButtonStyle::Primary).with_confirm(confirm);
    let mut elements: Vec<SlackActionBlockElement> = vec![
        approve.into(),
        button("Send back", REVISE).into(),
        button("Reject", REJECT).with_style(SlackBlockButtonStyle::Danger).into(),
    ];
    elements.extend(open(facts.gate_page));
    SlackActionsBlock::new(elements).into()
}

/// Leads to a page of the console.
fn open(page: &str) -> Option<SlackActionBlockElement> {
    let url = Url::parse(page).ok()?;
    Some(SlackBlockButtonElement::new(label("Open").into()).with_action_id(OPEN.into()).with_url(url).into())
}

fn label(text: &str) -> SlackBlockPlainText {
    SlackBlockPlainText::new(text.to_owned())
}

#[cfg(test)]
mod tests;

//! The pull request's text, and our comments below it.

use std::fmt::Write as _;

use domain::budget::Ledger;
use domain::ids::WorkflowId;
use domain::path::Protection;
use domain::qa::{Ended, QaReport};
use domain::spec::{FileAction, Spec, VerifiedBy};
use domain::workflow::TicketSummary;
use domain::{Attempt, CommitSha, Digest};
use url::Url;

use super::escape::{inline_code, markdown};
use super::evidence::{counts, evidence};
use super::names::marker;

/// GitHub takes 65,536 characters; what is longer is cut.
const MAX_BODY: usize = 60_000;
/// Longest part of a prose section, characters.
const MAX_PROSE: usize = 1_500;

/// What the text is made of.
#[derive(Debug, Clone)]
pub struct BodyFacts<'a> {
    /// The workflow.
    pub workflow: &'a WorkflowId,
    /// The ticket.
    pub ticket: &'a TicketSummary,
    /// The approved SPEC.
    pub spec: &'a Spec,
    /// Its digest.
    pub spec_digest: Digest,
    /// The commit below the change.
    pub base: &'a CommitSha,
    /// What changed.
    pub files: &'a [FileRow],
    /// What the quality gates said.
    pub qa: &'a QaReport,
    /// How many connections the agent's sandbox did not let through.
    pub refused_connections: u64,
    /// What it cost so far.
    pub ledger: &'a Ledger,
    /// Which attempt this is.
    pub attempt: Attempt,
    /// How many rounds of review there were.
    pub review_rounds: u32,
    /// Where our own pages are; no slash at the end.
    pub public_base_url: &'a str,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Where.
    pub path: String,
    /// What.
    pub action: FileAction,
    /// How much.
    pub lines: Lines,
    /// The rule that protects it.
    pub protection: Option<Protection>,
}

/// How much of a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Lines of text.
    Text {
        /// New ones.
        added: usize,
        /// Old ones.
        removed: usize,
    },
    /// Not text.
    Binary,
}

/// The pull request's text. The same facts always give the same text.
pub fn pull_body(facts: &BodyFacts<'_>) -> String {
    let mut out = String::new();
    let mut section = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    section(format!("Ticket: {}\n", ticket_link(facts.ticket)));
    section(format!("### What and why\n\n{}", prose(&facts.spec.text.problem_statement)));
    section(prose(&facts.spec.text.proposed_solution));
    section(format!(
        "SPEC revision {} · digest `{}` · base `{}`\n",
        facts.spec.revision, facts.spec_digest, facts.base
    ));
    let look_at = evidence(facts.qa, facts.refused_connections);
    if !look_at.is_empty() {
        section(look_at.trim_end().to_owned() + "\n");
    }
    section(files(facts.files));
    section(gates(facts.qa));
    section(checklist(facts.qa));
    section(cost(facts));
    let mut body = cut(&out);
    let page = format!("{}/workflows/{}", facts.public_base_url, facts.workflow);
    let footer = format!("\n---\nOpened by [pi-tickets]({page}). Approve or decline it there or here.\n");
    body.push_str(&footer);
    body.push_str(&marker("pull", facts.workflow));
    body.push('\n');
    body
}

/// The comment that says why a pull request is closed.
pub fn close_comment(workflow: &WorkflowId, reason: &str, public_base_url: &str) -> String {
    format!(
        "{}\nThis pull request was closed:\n\n{}\n[The ticket's history]({public_base_url}/workflows/{workflow}) has all \
         of it. Nothing is lost: the ticket can be retried from there.\n",
        closed_marker(workflow),
        prose(reason)
    )
}

/// The mark of [`close_comment`].
pub fn closed_marker(workflow: &WorkflowId) -> String {
    marker("closed", workflow)
}

/// The comment that says what an approved pull request still waits for.
pub fn waiting_comment(workflow: &WorkflowId, head: &CommitSha, reason: &str) -> String {
    format!(
        "{}\nApproved, but GitHub does not allow the merge yet:\n\n{}\nIt is merged as soon as that is settled.\n",
        waiting_marker(workflow, head),
        prose(reason)
    )
}

/// The mark of [`waiting_comment`]: one for each head.
pub fn waiting_marker(workflow: &WorkflowId, head: &CommitSha) -> String {
    marker(&format!("waiting:{head}"), workflow)
}

fn ticket_link(ticket: &TicketSummary) -> String {
    let name = markdown(&format!("{} {}", ticket.key.source, ticket.key.id));
    let title = markdown(&ticket.title);
    let safe = Url::parse(&ticket.url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    match safe {
        // The parser leaves round brackets in a path as they are; in Markdown they would end the address.
        Some(url) => {
            let address = url.as_str().replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
            format!("[{name}]({address}) — {title}")
        }
        None => format!("{name} — {title}"),
    }
}

/// Foreign prose as a quotation, each line of it defused, shortened.
fn prose(text: &str) -> String {
    let mut short: String = text.trim().chars().take(MAX_PROSE).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    let mut out = String::new();
    for line in short.lines() {
        writeln!(out, "> {}", markdown(line).trim_end()).unwrap_or_default();
    }
    out
}

fn files(files: &[FileRow]) -> String {
    let mut out = format!("### Files ({})\n\n| file | action | lines | |\n|---|---|---|---|\n", files.len());
    let (protected, ordinary): (Vec<&FileRow>, Vec<&FileRow>) =
        files.iter().partition(|file| file.protection.is_some());
    for file in protected.into_iter().chain(ordinary) {
        let lines = match file.lines {
            Lines::Text { added, removed } => format!("+{added} −{removed}"),
            Lines::Binary => "binary".to_owned(),
        };
        let mark = file.protection.map_or(String::new(), |rule| format!("⚠ protected: {}", rule.describe()));
        let path = inline_code(&file.path);
        writeln!(out, "| {path} | {} | {lines} | {mark} |", file.action.as_str()).unwrap_or_default();
    }
    out
}

fn gates(qa: &QaReport) -> String {
    let verdict = if qa.passed() { "passed" } else { "**failed**" };
    let mut out = format!("### Quality gates: {verdict} in {}\n\n", seconds(qa.duration_ms));
    if qa.gates.is_empty() {
        out.push_str("The repository has none.\n");
        return out;
    }
    out.push_str("| gate | result | time | |\n|---|---|---|---|\n");
    for gate in &qa.gates {
        let result = match (&gate.result.ended, gate.required) {
            _ if gate.lost().is_some() => "❌ not believed".to_owned(),
            (Ended::Exit { code: 0 }, _) => "✅ passed".to_owned(),
            (ended, true) => format!("❌ {}", ending(ended)),
            (ended, false) => format!("⚠ {} (not required)", ending(ended)),
        };
        let on_base = !gate.passed() && gate.failed_on_base == Some(true);
        let note = if on_base { "fails on the base too".to_owned() } else { counts(gate) };
        let name = inline_code(&gate.name);
        writeln!(out, "| {name} | {result} | {} | {note} |", seconds(gate.result.duration_ms)).unwrap_or_default();
    }
    out
}

fn ending(ended: &Ended) -> String {
    match ended {
        Ended::Exit { code } => format!("exit code {code}"),
        Ended::Signal { signal } => format!("ended by signal {signal}"),
        Ended::TimedOut => "took too long".to_owned(),
        Ended::OutputLimit => "wrote too much".to_owned(),
        Ended::DiskLimit => "filled its disk".to_owned(),
        Ended::NotStarted { .. } => "could not be started".to_owned(),
    }
}

fn checklist(qa: &QaReport) -> String {
    let mut out = "### Checklist\n\n".to_owned();
    for item in &qa.checklist {
        let tick = if item.passed == Some(true) { 'x' } else { ' ' };
        let how = match (&item.verified_by, item.passed) {
            (VerifiedBy::Person, _) | (_, None) => "for the reviewer".to_owned(),
            (VerifiedBy::Gate { name }, Some(passed)) => format!("gate {}{}", inline_code(name), failed(passed)),
            (VerifiedBy::Command { command }, Some(passed)) => format!("{}{}", inline_code(command), failed(passed)),
        };
        writeln!(out, "- [{tick}] {} — {how}", markdown(&item.text)).unwrap_or_default();
    }
    out
}

const fn failed(passed: bool) -> &'static str {
    if passed { "" } else { ": **failed**" }
}

fn cost(facts: &BodyFacts<'_>) -> String {
    let total = facts.ledger.total();
    let rounds = match facts.review_rounds {
        0 => String::new(),
        n => format!(" · review round {n}"),
    };
    format!(
        "### Cost\n\n${:.2} · {} tokens · {} model calls · attempt {}{rounds}\n",
        total.usd(),
        total.total_tokens(),
        total.turns,
        facts.attempt
    )
}

#[expect(clippy::cast_precision_loss, reason = "a duration for people to read")]
fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_BODY {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MAX_BODY).collect();
    // Whole lines only, so that no half of an escape or table row is left.
    short.truncate(short.rfind('\n').map_or(0, |end| end + 1));
    short.push_str("\n*The rest is too long for GitHub; the ticket's page has all of it.*\n");
    short
}

#[cfg(test)]
#[path = "body_tests.rs"]
pub(super) mod tests;

//! A workflow's attempts, one line each, as the audit trail tells of them.

use domain::Timestamp;
use domain::audit::AuditEntry;
use domain::budget::Usage;
use domain::gate::GateKind;
use domain::ids::Attempt;
use domain::workflow::Event;
use maud::{Markup, html};

use super::words;

/// What became of an attempt.
struct Row<'a> {
    attempt: Attempt,
    why: &'static str,
    prepared: Timestamp,
    ended: Option<Timestamp>,
    outcome: Option<String>,
    usage: Usage,
    model: Option<&'a str>,
    verified: bool,
    /// Whether it passed its checks, where they ran.
    passed: Option<bool>,
    /// Whether it was refused, and whether rules were broken.
    failed: Option<bool>,
}

fn rows(trail: &[AuditEntry]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut why = "the plan was approved";
    for entry in trail {
        why = reason(&entry.event).unwrap_or(why);
        match &entry.event {
            // One that was prepared again after a crash is one attempt.
            Event::RunPrepared { attempt, .. } if rows.last().is_none_or(|row| row.attempt != *attempt) => {
                rows.push(Row {
                    attempt: *attempt,
                    why,
                    prepared: entry.at,
                    ended: None,
                    outcome: None,
                    usage: Usage::default(),
                    model: None,
                    verified: false,
                    passed: None,
                    failed: None,
                });
            }
            event => {
                let Some(row) = rows.last_mut() else { continue };
                row.take(event, entry.at);
            }
        }
    }
    rows
}

/// Why the attempt after this event begins, if it says so.
const fn reason(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::GateDecided { kind: GateKind::Spec, .. } => "the plan was approved",
        Event::GateDecided { kind: GateKind::Pr, .. } => "a reviewer asked for changes",
        Event::AttemptFailed { .. } | Event::ScopeChangeRefused { .. } => "the one before was refused",
        Event::MergeConflict { .. } => "the change no longer merged",
        Event::Resumed { .. } => "the work was resumed",
        _ => return None,
    })
}

impl<'a> Row<'a> {
    fn take(&mut self, event: &'a Event, at: Timestamp) {
        match event {
            Event::RunEnded { attempt, outcome, usage, model, .. } if *attempt == self.attempt => {
                self.ended = Some(at);
                self.outcome = Some(words::outcome(outcome));
                self.usage = *usage;
                self.model = model.as_deref();
            }
            Event::ChangesVerified { attempt, .. } if *attempt == self.attempt => self.verified = true,
            Event::QaFinished { attempt, passed, .. } if *attempt == self.attempt => self.passed = Some(*passed),
            Event::AttemptFailed { attempt, violations, .. } if *attempt == self.attempt => {
                self.failed = Some(!violations.is_empty());
            }
            Event::ScopeChangeRefused { attempt, .. } if *attempt == self.attempt => self.failed = Some(false),
            _ => {}
        }
    }
}

/// The table; nothing before the first attempt.
pub(super) fn attempts(trail: &[AuditEntry]) -> Markup {
    let rows = rows(trail);
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Attempts" }
                div.scroll { table {
                    tr { th { "Attempt" } th { "Agent" } th { "Time" } th { "Model calls" } th { "Cost" } th { "Within the plan" } th { "Checks" } }
                    @for row in &rows { (one(row)) }
                } }
            }
        }
    }
}

fn one(row: &Row<'_>) -> Markup {
    html! {
        tr {
            td { (row.attempt) br; span.soft.small { (row.why) } }
            td {
                @match &row.outcome { Some(outcome) => (outcome), None => "–" }
                @if let Some(model) = row.model { br; span.soft.small { (super::parts::line(model)) } }
            }
            td { @match row.ended { Some(at) => (words::between(row.prepared, at)), None => "–" } }
            td { (row.usage.turns) }
            td { (words::usd(&row.usage)) }
            td {
                @match (row.verified, row.failed) {
                    (true, _) => span.good { "✓" },
                    (false, Some(true)) => span.bad { "✗ refused" },
                    (false, Some(false)) => span.waiting { "no change" },
                    (false, None) => "–",
                }
            }
            td {
                @match row.passed {
                    Some(true) => span.good { "✓ passed" },
                    Some(false) => span.bad { "✗ failed" },
                    None if row.verified && row.failed.is_some() => span.bad { "✗ no report" },
                    None => "–",
                }
            }
        }
    }
}

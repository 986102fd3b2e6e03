//! What happened, when, by whom, and how long it took.

use domain::Timestamp;
use domain::audit::AuditEntry;
use domain::text;
use domain::workflow::Event;
use maud::{Markup, html};

use super::parts::{line, moment};
use super::{WorkflowFacts, words};

/// Longest reason or comment, characters.
const MAX_DETAIL: usize = 2_000;

/// The timeline, with the address of the audit trail's page.
pub(super) fn timeline(facts: &WorkflowFacts, audit_page: &str) -> Markup {
    let WorkflowFacts { workflow, trail, now, .. } = facts;
    let until =
        |index: usize| trail.get(index + 1).map(|next| next.at).or((!workflow.state.is_terminal()).then_some(*now));
    html! {
        section {
            h2 { "What happened" }
            ol.time {
                @for (index, entry) in trail.iter().enumerate() { (one(entry, until(index))) }
            }
            (verified(facts))
            p { a href=(audit_page) { "The audit trail" } }
        }
    }
}

fn one(entry: &AuditEntry, until: Option<Timestamp>) -> Markup {
    let (what, detail) = words::event(&entry.event);
    let class = if entry.from == entry.to { "stayed" } else { "moved" };
    html! {
        li class=(class) {
            div { strong { (what) } @if entry.from != entry.to { span.soft { " → " (entry.to) } } }
            @if let Some(detail) = detail.map(|text| text::lines(&text, MAX_DETAIL)).filter(|text| !text.is_empty()) {
                @if detail.contains('\n') { details { summary { "Details" } pre { (detail) } } }
                @else { div { (detail) } }
            }
            (violations(&entry.event))
            div.soft.small {
                (moment(entry.at)) " · " (line(&entry.actor.label()))
                @if let Some(until) = until { " · " (words::between(entry.at, until)) " until the next" }
            }
        }
    }
}

fn violations(event: &Event) -> Markup {
    html! {
        @if let Event::AttemptFailed { violations, .. } = event {
            @if !violations.is_empty() {
                ul { @for violation in violations { li.bad { (line(&violation.message)) } } }
            }
        }
    }
}

fn verified(facts: &WorkflowFacts) -> Markup {
    html! {
        p.small {
            @match &facts.broken {
                None => span.good { "✓ The audit trail is whole: " (facts.trail.len()) " entries, each tied to the one before it." },
                Some(broken) => span.bad { "✗ The audit trail cannot be trusted: " (line(&broken.to_string())) "." },
            }
        }
    }
}

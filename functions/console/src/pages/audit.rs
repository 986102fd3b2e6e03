//! An audit trail, entry by entry: what is chained, what is anchored, and the first entry that is bad.

use domain::audit::{BrokenChain, Evidence, FoundAnchor, Standing, StoredEntry};
use maud::{Markup, html};

use super::layout::frame;
use super::parts::{line, moment};
use super::words;

/// Digits of a hash that are shown.
const DIGITS: usize = 12;

pub(crate) fn audit(evidence: &Evidence, base_url: &str) -> Markup {
    let id = &evidence.trail.workflow_id;
    let verified = evidence.verify();
    let broken = verified.as_ref().err();
    let page = id.page(base_url);
    let body = html! {
        h1 { "Audit trail" }
        p.soft.small { "Workflow " code { (id) } }
        @match &verified {
            Ok(standing) => (whole(standing)),
            Err(broken) => (found(broken)),
        }
        section {
            h2 { "Entries" }
            div.scroll { table {
                tr { th { "No." } th { "When" } th { "Who" } th { "What" } th { "Hash" } th { "Anchor" } }
                @for (seq, stored) in (1..).zip(&evidence.trail.entries) { (row(evidence, seq, stored, broken)) }
                @if let Some(broken) = broken { @if broken.seq > evidence.trail.entries.len() as u64 {
                    tr { td.bad { (broken.seq) } td colspan="5" { (complaint(broken)) } }
                } }
            } }
        }
        p.soft.small {
            "Whoever may use the API gets all of it as JSON Lines from " code { (format!("{base_url}/api/workflows/{id}/audit")) } "."
        }
    };
    frame("Audit trail", &html! { a href=(page) { "← The workflow" } }, &body)
}

fn whole(standing: &Standing) -> Markup {
    let Standing { entries, anchored, waiting } = standing;
    html! {
        p.good { "✓ All " (entries) " entries are as they were written, each tied to the one before it." }
        @match waiting {
            None => p.good { "✓ The last of them is anchored where nobody can change it." },
            Some(waiting) if waiting.late => div.notice {
                "Anchored up to entry " (anchored) ". Entry " (waiting.from) " should be by now: what writes anchors is behind or does not run. "
                "Until it has caught up, entries from there on are held by the tables alone."
            },
            Some(waiting) => p.soft { "Anchored up to entry " (anchored) ". Entry " (waiting.from) " is not anchored yet; that takes a moment." },
        }
    }
}

fn found(broken: &BrokenChain) -> Markup {
    html! {
        div.notice {
            strong.bad { "✗ The audit trail cannot be trusted from entry " (broken.seq) " on: " (line(&broken.problem.to_string())) "." }
            " " (broken.problem.meaning())
            p.soft { "Tell whoever runs this service, who finds the next steps in the operator's guide under “Audit trail”. What comes before that entry holds." }
        }
    }
}

fn row(evidence: &Evidence, seq: u64, stored: &StoredEntry, broken: Option<&BrokenChain>) -> Markup {
    let holds = broken.is_none_or(|broken| seq < broken.seq);
    let broken = broken.filter(|broken| broken.seq == seq);
    let entry = stored.entry();
    let at = stored.at().map_or_else(|| html! { "?" }, moment);
    html! {
        tr {
            td class=[broken.map(|_| "bad")] { (seq) }
            td.small { (at) }
            @match &entry {
                Ok(entry) => {
                    td { (line(&entry.actor.label())) }
                    td {
                        (line(&words::event(&entry.event).0))
                        @if entry.from != entry.to { span.soft { " → " (entry.to) } }
                        @if let Some(broken) = broken { br; (complaint(broken)) }
                    }
                },
                Err(reason) => {
                    td { "?" }
                    td {
                        @if let Some(broken) = broken { (complaint(broken)) }
                        @else { span.soft { "of a form that is not known here: " (line(reason)) } }
                    }
                },
            }
            td { @if let Some(hash) = stored.hash() { code { (hash.short(DIGITS)) } } }
            td { (anchor(evidence, seq, holds)) }
        }
    }
}

fn complaint(broken: &BrokenChain) -> Markup {
    html! { strong.bad { "✗ " (line(&broken.problem.to_string())) } }
}

/// What is known of an entry's anchor. It keeps the hash; that the entry has this hash is another matter.
fn anchor(evidence: &Evidence, seq: u64, holds: bool) -> Markup {
    let own = || evidence.anchors.iter().filter(|anchor| anchor.seq == seq);
    let held = evidence.trail.entries.get(usize::try_from(seq - 1).unwrap_or(usize::MAX)).and_then(StoredEntry::hash);
    let agrees = |found: &FoundAnchor| matches!(found, FoundAnchor::Anchor(anchor) if Some(anchor.hash) == held);
    html! {
        @if own().next().is_none() {
            @if evidence.anchors.iter().any(|anchor| anchor.seq > seq) { span.soft { "by a later one" } }
            @else { span.soft { "not yet" } }
        }
        @else if !own().all(|anchor| agrees(&anchor.found)) { span.bad { "✗" } }
        @else if holds { span.good { "✓" } }
        @else { span.soft { "the hash alone" } }
    }
}

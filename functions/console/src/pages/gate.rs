//! The page behind an approval link: everything that is needed to decide, and the form.

use domain::gate::{Gate, GateKind, GateStatus};
use domain::person::Actor;
use domain::text;
use maud::{Markup, html};

use super::layout::frame;
use super::parts::{changed_files, line, moment, qa, spec, summary, web_link};
use super::{FormFacts, WorkflowFacts, words};

/// Longest comment on the page, characters: all of it.
const MAX_COMMENT: usize = domain::gate::MAX_COMMENT_BYTES;

pub(crate) fn gate(facts: &WorkflowFacts, form: &FormFacts<'_>) -> Markup {
    let kind = form.gate.subject.kind();
    let amendment = kind == GateKind::Spec && facts.spec.as_ref().is_some_and(|spec| spec.amendment.is_some());
    let question = match kind {
        GateKind::Spec if amendment => "May the agent change these files as well?",
        GateKind::Spec => "May this be built?",
        GateKind::Pr => "May this be merged?",
    };
    let body = html! {
        (summary(&facts.workflow))
        @if let Some(notice) = form.notice { p.notice role="alert" { (notice) } }
        div.split {
            div { (subject(facts, kind, amendment)) }
            aside { section { h2 { (question) } (decision_form(form, kind, amendment)) } }
        }
    };
    frame(question, &html! { "pi-tickets" }, &body)
}

/// What is decided on.
fn subject(facts: &WorkflowFacts, kind: GateKind, amendment: bool) -> Markup {
    match kind {
        GateKind::Spec => html! {
            section {
                h2 { @if amendment { "An amendment of the approved plan" } @else { "The plan" } }
                @match &facts.spec {
                    Some(found) => (spec(found)),
                    None => p.bad { "The plan cannot be shown just now, so please do not decide yet. Load this page again." },
                }
            }
        },
        GateKind::Pr => html! {
            section {
                h2 { "The change" }
                @if let Some(pr) = &facts.workflow.pr {
                    p { (web_link(&pr.url, &format!("Read pull request {} line by line", pr.number)))
                        span.soft { " · head " code { (pr.head_sha.as_str().chars().take(12).collect::<String>()) } } }
                }
                (changed_files(facts.changed()))
            }
            section {
                h2 { "Checks" }
                @match &facts.qa {
                    Some(report) => (qa(report, facts.workflow.refused_connections)),
                    None => p.bad { "The report cannot be shown just now. Load this page again." },
                }
            }
            @if let Some(found) = &facts.spec { section { details { summary { "The plan that was approved" } (spec(found)) } } }
        },
    }
}

fn decision_form(form: &FormFacts<'_>, kind: GateKind, amendment: bool) -> Markup {
    let (approve, revise, reject) = match kind {
        GateKind::Spec if amendment => (
            "the agent goes on, and may change the added files too",
            "plan anew with my comment; the agent's work so far is dropped",
            "stop; the ticket is blocked",
        ),
        GateKind::Spec => {
            ("the agent builds exactly this", "plan again with my comment", "stop; the ticket is blocked")
        }
        GateKind::Pr => ("merge this head", "the agent works on my comment", "close the pull request"),
    };
    let choice = |value: &str, name: &str, effect: &str| {
        html! {
            label.choice { input type="radio" name="decision" value=(value) required; " " strong { (name) } br; span.soft.small { (effect) } }
        }
    };
    html! {
        p.soft.small {
            "You decide as " strong { (line(form.recipient.label())) } ". Time ends " (moment(form.gate.due_at)) "."
        }
        @if let Some(sign_in) = &form.sign_in {
            p.notice { "A decision counts when you are signed in. " a href=(sign_in) { "Sign in and come back here" } }
        }
        form method="post" autocomplete="off" {
            input type="hidden" name="subject" value=(form.gate.subject_digest);
            input type="hidden" name="nonce" value=(form.nonce);
            fieldset {
                legend { "Your answer" }
                (choice("approve", "Approve", approve))
                (choice("revise", "Send back", revise))
                (choice("reject", "Reject", reject))
            }
            label for="comment" { "Comment " span.soft.small { "(needed to send back or reject)" } }
            textarea id="comment" name="comment" maxlength=(MAX_COMMENT) { (form.comment) }
            button type="submit" { "Decide" }
        }
        p.soft.small { "Fingerprint of what you see: " code { (form.gate.subject_digest.short(16)) } }
    }
}

/// The page after a decision, and after the time for one.
pub(crate) fn decided(facts: &WorkflowFacts, gate: &Gate) -> Markup {
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

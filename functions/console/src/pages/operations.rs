//! The page for running the service, and the form for going on with a workflow.

use domain::Timestamp;
use domain::dead_letters::DeadLetters;
use domain::slot::{Pause, SlotPool};
use domain::text;
use domain::workflow::Workflow;
use maud::{Markup, html};
use store::Summary;

use super::layout::site;
use super::parts::{line, moment, pill};
use super::{markdown, words};
use crate::caller::{SignedIn, Viewer};
use crate::operations::OPERATIONS;
use crate::resume::{MAX_WORDS, RETRY};

/// Longest reason in the list, characters.
const MAX_REASON: usize = 400;
/// Most dead letters of one queue that are shown.
const MAX_LETTERS: usize = 10;

/// What the page shows.
pub(crate) struct OperationsFacts {
    /// Workflows that ended without their result.
    pub(crate) failed: Vec<Workflow>,
    /// Those that a machine has worked on for long.
    pub(crate) slow: Vec<Summary>,
    /// `None` where they could not be looked at.
    pub(crate) dead_letters: Option<Vec<DeadLetters>>,
    pub(crate) pauses: [(SlotPool, Option<Pause>); 2],
    /// How many dead letters were handed back just now.
    pub(crate) moved: Option<u32>,
    pub(crate) now: Timestamp,
}

pub(crate) fn operations(facts: &OperationsFacts, viewer: &Viewer, base_url: &str) -> Markup {
    let session = viewer.signed_in();
    let body = html! {
        h1 { "Operations" }
        @if session.is_none() { p.soft { "To change something here, sign in." } }
        @if let Some(moved) = facts.moved { div.notice role="status" { (moved) " dead letters were handed back." } }
        (pauses(facts, session, base_url))
        (failed(facts, session, base_url))
        (slow(facts, base_url))
        (dead_letters(facts, session, base_url))
        p { a href=(format!("{base_url}/account/refusals")) { "What was refused" } }
    };
    site("Operations", "/operations", viewer, base_url, &body)
}

fn failed(facts: &OperationsFacts, session: Option<&SignedIn>, base_url: &str) -> Markup {
    html! {
        section {
            h2 { "Ended without a result " span.soft { (facts.failed.len()) } }
            @if facts.failed.is_empty() { p.soft { "Nothing, in the last 14 days." } }
            ul.plain {
                @for workflow in &facts.failed {
                    li {
                        div.row {
                            a href=(workflow.id.page(base_url)) { (line(&workflow.ticket.title)) }
                            (pill(workflow.state))
                            span.soft.small { (words::between(workflow.updated_at, facts.now)) " ago" }
                        }
                        @if let Some(reason) = &workflow.reason { div { (text::one_line(reason, MAX_REASON)) } }
                        div.soft { (workflow.remedy()) }
                        @if let Some(session) = session { (retry_form(session, workflow, base_url)) }
                    }
                }
            }
        }
    }
}

/// The part of a workflow's page by which an ended workflow goes on; nothing where it cannot.
pub(super) fn retry_section(session: &SignedIn, workflow: &Workflow, base_url: &str) -> Markup {
    html! {
        @if workflow.may_resume() {
            section {
                h2 { "Go on" }
                p { "It stays the same workflow: an approved plan stays approved, and what was spent counts." }
                (retry_form(session, workflow, base_url))
            }
        }
    }
}

fn retry_form(session: &SignedIn, workflow: &Workflow, base_url: &str) -> Markup {
    let points = workflow.resume_points();
    let (from, said) = (format!("from-{}", workflow.id), format!("words-{}", workflow.id));
    html! {
        @if !points.is_empty() {
            form.inline method="post" action=(format!("{}/retry", workflow.id.page(base_url))) autocomplete="off" {
                input type="hidden" name="token" value=(session.form_token(RETRY));
                label for=(from) { "What is to be done" }
                select id=(from) name="from" {
                    @for point in &points { option value=(point.as_str()) { (capital(point.describe())) } }
                }
                label for=(said) { "Words for the planner or the agent" }
                input id=(said) name="words" maxlength=(MAX_WORDS);
                button.plain type="submit" { "Go on" }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn slow(facts: &OperationsFacts, base_url: &str) -> Markup {
    html! {
        section {
            h2 { "Takes long " span.soft { (facts.slow.len()) } }
            @if facts.slow.is_empty() { p.soft { "No machine has been at one step for two hours." } }
            ul.plain {
                @for it in &facts.slow {
                    li {
                        div.row {
                            a href=(it.id.page(base_url)) { (line(&it.ticket.title)) }
                            (pill(it.state))
                            span.soft.small {
                                "for " (words::between(it.stats.entered_at.unwrap_or(it.updated_at), facts.now))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn dead_letters(facts: &OperationsFacts, session: Option<&SignedIn>, base_url: &str) -> Markup {
    let filled =
        facts.dead_letters.iter().flatten().filter(|letters| letters.number > 0 || !letters.letters.is_empty());
    let filled: Vec<&DeadLetters> = filled.collect();
    html! {
        section {
            h2 { "Dead letters" }
            @if facts.dead_letters.is_none() {
                div.notice { "The queues could not be looked at just now. Load this page again; the log of " code { "sweeper" } " says why." }
            } @else if filled.is_empty() { p.soft { "None: every message was handled." } }
            @for letters in filled { (queue(letters, session, base_url)) }
        }
    }
}

fn queue(letters: &DeadLetters, session: Option<&SignedIn>, base_url: &str) -> Markup {
    let queue = letters.queue;
    html! {
        h3 { (queue.describe()) " " span.soft { "about " (letters.number) } }
        (markdown::render(queue.remedy()))
        div.scroll { table {
            tr { th { "Message" } th { "About" } th { "Sent" } }
            @for letter in letters.letters.iter().take(MAX_LETTERS) {
                tr {
                    td { code { (line(&letter.id)) } }
                    td {
                        @match &letter.workflow_id {
                            Some(id) => a href=(id.page(base_url)) { (line(&letter.about)) },
                            None => (line(&letter.about)),
                        }
                    }
                    td { @if let Some(at) = letter.sent_at { (moment(at)) } }
                }
            }
        } }
        @if let Some(session) = session.filter(|_| queue.can_redrive()) {
            form method="post" action=(format!("{base_url}/operations/dead-letters")) {
                input type="hidden" name="token" value=(session.form_token(OPERATIONS));
                input type="hidden" name="queue" value=(queue.as_str());
                button.plain type="submit" { "Hand them back" }
            }
        }
    }
}

fn pauses(facts: &OperationsFacts, session: Option<&SignedIn>, base_url: &str) -> Markup {
    html! {
        section {
            h2 { "Intake" }
            p.soft { "A pool that rests hands out no places. Tickets are still accepted and wait in the queue at no cost; what has a place goes on." }
            @for (pool, pause) in &facts.pauses {
                h3 { (name(*pool)) ": " @if pause.is_some() { span.waiting { "rests" } } @else { span.good { "works" } } }
                @if let Some(pause) = pause {
                    p { "Since " (moment(pause.since)) ", by " (line(&pause.by)) @if !pause.reason.is_empty() { ": " (line(&pause.reason)) } }
                }
                @if let Some(session) = session { (pause_form(*pool, pause.as_ref(), session, base_url)) }
            }
        }
    }
}

fn pause_form(pool: SlotPool, pause: Option<&Pause>, session: &SignedIn, base_url: &str) -> Markup {
    let why = format!("why-{}", pool.as_str());
    html! {
        form.inline method="post" action=(format!("{base_url}/operations/pause")) autocomplete="off" {
            input type="hidden" name="token" value=(session.form_token(OPERATIONS));
            input type="hidden" name="pool" value=(pool.as_str());
            @if pause.is_some() {
                input type="hidden" name="wish" value="go-on";
                button.plain type="submit" { "Let " (name(pool).to_lowercase()) " go on" }
            } @else {
                input type="hidden" name="wish" value="rest";
                label for=(why) { "Why?" }
                input id=(why) name="reason" maxlength="500";
                button.plain type="submit" { "Let " (name(pool).to_lowercase()) " rest" }
            }
        }
    }
}

const fn name(pool: SlotPool) -> &'static str {
    match pool {
        SlotPool::Plan => "Planning",
        SlotPool::Run => "Building",
    }
}

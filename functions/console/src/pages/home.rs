//! The home page.

use domain::Timestamp;
use domain::gate::GateKind;
use domain::gate::policy::RiskReason;
use domain::role::Scope;
use domain::slot::{SlotPool, Waiter};
use maud::{Markup, html};
use store::{InboxItem, Line, Summary};

use super::layout::site;
use super::parts::{line, moment, pill};
use super::words;
use crate::analytics::{Figures, Spread};
use crate::caller::Viewer;

/// Most of a queue that is shown.
const MAX_QUEUE: usize = 20;

/// What the home page shows.
pub(crate) struct HomeFacts {
    pub(crate) inbox: Inbox,
    /// Everybody's open questions, some of them.
    pub(crate) waiting: Vec<Summary>,
    pub(crate) running: Vec<Summary>,
    pub(crate) queues: [(SlotPool, Line); 2],
    /// Those that ended last.
    pub(crate) done: Vec<Summary>,
    /// Of the last 7 days.
    pub(crate) figures: Figures,
    /// Since midnight, millionths of a US dollar.
    pub(crate) spent_today: u64,
    pub(crate) now: Timestamp,
}

/// A page of what waits for the reader.
pub(crate) struct Inbox {
    pub(crate) items: Vec<InboxItem>,
    pub(crate) total: usize,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

pub(crate) fn home(facts: &HomeFacts, viewer: &Viewer, base_url: &str) -> Markup {
    let body = html! {
        h1 { "Tickets" }
        (inbox(&facts.inbox, viewer, base_url, facts.now))
        (group("Running now", &facts.running, "Nothing is running.", base_url, facts.now))
        (queues(facts, base_url))
        (group("Waiting for anybody", &facts.waiting, "Nobody has to decide anything.", base_url, facts.now))
        (group("Done", &facts.done, "Nothing has ended in the last 7 days.", base_url, facts.now))
        (figures(facts, base_url))
    };
    site("Tickets", "/", viewer, base_url, &body)
}

fn inbox(inbox: &Inbox, viewer: &Viewer, base_url: &str, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "Waiting for me " span.soft { (inbox.total) } }
            @if inbox.items.is_empty() { p.soft { "Nothing waits for you." } }
            ul.plain {
                @for item in &inbox.items { li { (question(item, viewer, base_url, now)) } }
            }
            @if let Some(next) = &inbox.next { p { a href=(format!("{base_url}/?after={next}")) { "More" } } }
        }
    }
}

fn question(item: &InboxItem, viewer: &Viewer, base_url: &str, now: Timestamp) -> Markup {
    let page = item.workflow_id.page(base_url);
    let page = if viewer.may(Scope::Decide) { format!("{page}/gate") } else { page };
    let title = if item.title.is_empty() { item.workflow_id.as_str() } else { &item.title };
    let asked = match item.kind {
        GateKind::Spec => format!("May this plan be built? Revision {}", item.number),
        GateKind::Pr => format!("May pull request {} be merged?", item.number),
    };
    let risk: Vec<String> = item.risk.iter().map(RiskReason::describe).collect();
    html! {
        div.row {
            a href=(page) { (line(title)) }
            span.pill.waiting { @if item.due_at > now { "due in " (words::between(now, item.due_at)) } @else { "due" } }
        }
        div.soft.small {
            (asked)
            @if let Some(repository) = &item.repository { " · " (repository) }
            " · for " (line(&item.requester)) " · until " (moment(item.due_at))
            @if item.required > 1 { " · takes " (item.required) " approvals" }
        }
        @if !risk.is_empty() { div.small.waiting { "⚠ " (risk.join(", ")) } }
    }
}

fn group(title: &str, workflows: &[Summary], empty: &str, base_url: &str, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { (title) " " span.soft { (workflows.len()) } }
            @if workflows.is_empty() { p.soft { (empty) } }
            ul.plain {
                @for workflow in workflows { li { (item(workflow, base_url, now)) } }
            }
        }
    }
}

fn item(workflow: &Summary, base_url: &str, now: Timestamp) -> Markup {
    html! {
        div.row {
            a href=(workflow.id.page(base_url)) { (line(&workflow.ticket.title)) }
            (pill(workflow.state))
        }
        div.soft.small {
            (line(&workflow.ticket.key.id)) " · " (workflow.ticket.repository)
            @let since = words::between(workflow.stats.entered_at.unwrap_or(workflow.updated_at), now);
            @if workflow.state.is_terminal() { " · " (since) " ago" } @else { " · for " (since) }
            @if workflow.attempt.get() > 1 { " · attempt " (workflow.attempt) }
            @if workflow.cancel_requested.is_some() && !workflow.state.is_terminal() { " · is asked to stop" }
            " · " (words::micro_usd(workflow.stats.spent_micro_usd))
        }
    }
}

/// Who waits for a place, in order of service.
fn queues(facts: &HomeFacts, base_url: &str) -> Markup {
    let title = |waiter: &Waiter| {
        let known = facts.running.iter().find(|it| it.id == waiter.workflow_id);
        known.map_or_else(|| waiter.workflow_id.to_string(), |it| line(&it.ticket.title))
    };
    html! {
        @for (pool, Line { waiters, pause }) in &facts.queues {
            @if let Some(pause) = pause {
                div.notice {
                    @match pool { SlotPool::Plan => "Planning rests", SlotPool::Run => "Building rests" }
                    " since " (moment(pause.since)) ", by " (line(&pause.by)) @if !pause.reason.is_empty() { ": " (line(&pause.reason)) }
                }
            }
            @if !waiters.is_empty() {
                section {
                    h2 { @match pool { SlotPool::Plan => "Queue for planning ", SlotPool::Run => "Queue for building " } span.soft { (waiters.len()) } }
                    ol {
                        @for waiter in waiters.iter().take(MAX_QUEUE) {
                            li {
                                a href=(waiter.workflow_id.page(base_url)) { (title(waiter)) }
                                span.soft.small { " · " (words::priority(waiter.priority)) " · for " (words::between(waiter.since, facts.now)) }
                            }
                        }
                    }
                    @if waiters.len() > MAX_QUEUE { p.soft { "and " (waiters.len() - MAX_QUEUE) " more" } }
                }
            }
        }
    }
}

fn figures(facts: &HomeFacts, base_url: &str) -> Markup {
    let it = &facts.figures;
    let row = |name: &str, spread: &Spread| {
        html! { tr { th scope="row" { (name) } td { (words::duration(spread.median_ms)) } td.soft { "of " (spread.number) } } }
    };
    html! {
        section {
            h2 { "The last 7 days" }
            div.scroll { table {
                tr { th scope="row" { "Success rate" } td { (words::rate(&it.success)) } td.soft { "of " (it.success.whole) } }
                (row("Median time to the plan", &it.time_to_spec))
                (row("Median time to a decision", &it.approval_response))
                (row("Median time in the sandboxes", &it.run))
                (row("Median time in all", &it.total))
                tr { th scope="row" { "Spent today" } td { (words::micro_usd(facts.spent_today)) } td {} }
                tr { th scope="row" { "Spent in 7 days" } td { (words::dollars(it.spent_usd)) } td {} }
            } }
            @if it.truncated { p.soft { "There was more than is looked at here; the newest counted." } }
            p { a href=(format!("{base_url}/analytics")) { "More figures" } }
        }
    }
}

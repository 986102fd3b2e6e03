//! The list of workflows.

use domain::Timestamp;
use domain::workflow::Workflow;
use maud::{Markup, html};

use super::layout::frame;
use super::parts::{line, pill};
use super::{ListFacts, words};
use crate::caller::Viewer;

pub(crate) fn list(facts: &ListFacts, viewer: &Viewer, base_url: &str) -> Markup {
    let group = |title: &str, workflows: &[Workflow], empty: &str| {
        html! {
            section {
                h2 { (title) " " span.soft { (workflows.len()) } }
                @if workflows.is_empty() { p.soft { (empty) } }
                ul.plain {
                    @for workflow in workflows { li { (item(workflow, base_url, facts.now)) } }
                }
            }
        }
    };
    let body = html! {
        h1 { "Tickets" }
        (group("Waiting for a person", &facts.waiting, "Nobody has to decide anything."))
        (group("Running", &facts.running, "Nothing is running."))
        (group("Ended", &facts.ended, "Nothing has ended yet."))
    };
    let crumb = html! {
        "pi-tickets · " a href=(format!("{base_url}/account/tokens")) { (line(viewer.person().label())) }
    };
    frame("Tickets", &crumb, &body)
}

fn item(workflow: &Workflow, base_url: &str, now: Timestamp) -> Markup {
    let address = workflow.id.page(base_url);
    html! {
        div.row {
            a href=(address) { (line(&workflow.ticket.title)) }
            (pill(workflow.state))
        }
        div.soft.small {
            (line(&workflow.ticket.key.id)) " · " (workflow.ticket.repository)
            " · since " (words::between(workflow.updated_at, now))
            " · " (words::usd(&workflow.ledger.total()))
        }
    }
}

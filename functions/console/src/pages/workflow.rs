//! A workflow's page.

use domain::person::Person;
use domain::role::Scope;
use domain::workflow::Workflow;
use maud::{Markup, html};

use super::attempts::attempts;
use super::layout::frame;
use super::parts::{changed_files, line, moment, qa, spec, summary, web_link};
use super::timeline::timeline;
use super::{WorkflowFacts, logs, operations, spent, words};
use crate::caller::{SignedIn, Viewer};
use crate::view::CANCEL;

pub(crate) fn workflow(facts: &WorkflowFacts, viewer: &Viewer, base_url: &str) -> Markup {
    let workflow = &facts.workflow;
    let logs_page = format!("{}/logs", workflow.id.page(base_url));
    let audit_page = format!("{}/audit", workflow.id.page(base_url));
    let body = html! {
        (summary(workflow))
        (standing(facts, viewer, base_url))
        @if let Some(spec_of) = &facts.spec {
            section { h2 { "The plan" @if is_approved(workflow) { span.good { " ✓ approved" } } } (spec(spec_of)) }
        }
        @if !facts.changed().is_empty() { section {
            h2 { "What changed" }
            (changed_files(facts.changed()))
            p { a href=(format!("{}/diff", workflow.id.page(base_url))) { "Line by line" } }
        } }
        @if let Some(report) = &facts.qa { section { h2 { "Checks" } (qa(report, workflow.refused_connections)) } }
        (timeline(facts, &audit_page))
        (attempts(&facts.trail))
        (spent::time(workflow, facts.now))
        (spent::money(&workflow.ledger, &facts.budgets))
        section {
            h2 { "Progress" }
            (logs::lines(&facts.lines))
            p { a href=(logs_page) { "All of it" } }
        }
        @if let Some(session) = viewer.signed_in().filter(|_| viewer.may(Scope::Operate)) {
            @if !workflow.state.is_terminal() { (cancel_form(session, workflow, base_url)) }
            (operations::retry_section(session, workflow, base_url))
        }
        p.soft.small { "Workflow " code { (workflow.id) } }
    };
    let crumb = html! { "pi-tickets · " (line(&workflow.ticket.key.id)) };
    frame(&line(&workflow.ticket.title), &crumb, &body)
}

fn cancel_form(session: &SignedIn, workflow: &Workflow, base_url: &str) -> Markup {
    html! {
        section {
            h2 { "Stop it" }
            form method="post" action=(format!("{}/cancel", workflow.id.page(base_url))) autocomplete="off" {
                input type="hidden" name="token" value=(session.form_token(CANCEL));
                label for="reason" { "Why?" }
                input id="reason" name="reason" maxlength="2000";
                button type="submit" { "Stop" }
            }
        }
    }
}

fn is_approved(workflow: &Workflow) -> bool {
    workflow.spec.as_ref().is_some_and(|spec| spec.approved)
}

/// What stands in the way, or how it ended.
fn standing(facts: &WorkflowFacts, viewer: &Viewer, base_url: &str) -> Markup {
    let workflow = &facts.workflow;
    html! {
        @if let Some(gate) = &facts.gate {
            div.notice {
                "People were asked to decide on " (words::subject(gate.subject.kind())) ": "
                (line(&gate.approvers.iter().map(Person::label).collect::<Vec<_>>().join(", ")))
                ". Their mail has the link. Time ends " (moment(gate.due_at)) "."
                @if viewer.signed_in().is_some() && viewer.may(Scope::Decide) {
                    " " a href=(format!("{}/gate", workflow.id.page(base_url))) { "Decide here" }
                }
            }
        }
        @if let Some(reason) = &workflow.cancel_requested { @if !workflow.state.is_terminal() {
            div.notice { "Asked to stop: " (line(reason)) }
        } }
        @if let Some(reason) = &workflow.reason {
            div.notice {
                @let text = domain::text::lines(reason, 4_000);
                @if text.contains('\n') { pre { (text) } } @else { (text) }
                @if !workflow.remedy().is_empty() { p.soft { (workflow.remedy()) } }
            }
        }
        @if let Some(pr) = &workflow.pr { @if let Some(merge) = &pr.merge_sha {
            p.good { "✓ Merged as " code { (merge.as_str().chars().take(12).collect::<String>()) } " by " (web_link(&pr.url, &format!("pull request {}", pr.number))) "." }
        } }
    }
}

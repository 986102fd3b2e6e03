//! Parts that several pages have.

use domain::Timestamp;
use domain::path::Protection;
use domain::qa::{CommandResult, QaReport};
use domain::spec::{Amendment, Spec, SpecFile, VerifiedBy, render_markdown};
use domain::text;
use domain::workflow::{ChangedFile, Workflow};
use maud::{Markup, html};
use url::Url;

use super::{evidence, markdown, words};

/// Longest output of one command on a page, characters.
const MAX_OUTPUT: usize = 6_000;

/// Foreign words on one line.
pub(super) fn line(foreign: &str) -> String {
    text::one_line(foreign, 500)
}

/// A link to the web, or its words alone.
pub(super) fn web_link(address: &str, words: &str) -> Markup {
    let web = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    html! {
        @if web { a href=(address) rel="noopener noreferrer" { (words) } } @else { (words) }
    }
}

/// A state as a coloured word.
pub(super) fn pill(state: domain::WorkflowState) -> Markup {
    let (words, class) = words::state(state);
    html! { span.pill.(class) { (words) } }
}

/// A moment, with its exact time for programs.
pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (words::time(at)) } }
}

/// Title, ticket, repository, pull request, cost.
pub(super) fn summary(workflow: &Workflow) -> Markup {
    let ticket = &workflow.ticket;
    html! {
        h1 { (line(&ticket.title)) }
        p.row {
            (pill(workflow.state))
            span { (web_link(&ticket.url, &line(&format!("Ticket {}", ticket.key.id)))) }
            span { (ticket.repository) " · " code { (line(&ticket.base_branch)) } }
            @if let Some(pr) = &workflow.pr { span { (web_link(&pr.url, &format!("Pull request {}", pr.number))) } }
        }
        p.soft.small {
            "Asked for by " (line(ticket.requester.label())) ", " (moment(workflow.created_at))
            " · attempt " (workflow.attempt) " · " (words::usd(&workflow.ledger.total()))
        }
    }
}

/// A SPEC: its marks, then the whole text.
pub(super) fn spec(spec: &Spec) -> Markup {
    html! { (spec_marks(spec)) (markdown::render(&render_markdown(spec))) }
}

/// What is to be looked at first: what an amendment adds, and protected files.
pub(super) fn spec_marks(spec: &Spec) -> Markup {
    let (added, files) = spec.added_first();
    let protected = files.iter().filter_map(|file| Some((file, file.protection?)));
    html! {
        @if let Some(amendment) = &spec.amendment { (amended(amendment, &added)) }
        (protected_files(protected.map(|(file, protection)| (file.path.as_str(), protection))))
    }
}

fn amended(amendment: &Amendment, added: &[&SpecFile]) -> Markup {
    html! {
        div.notice {
            strong { "This is an amendment of the approved plan (revision " (amendment.of) ")." }
            " In attempt " (amendment.asked_in) " the coding agent asked for what follows; everything else is as approved."
            ul {
                @for file in added {
                    li {
                        code { (line(file.path.as_str())) } " (" (file.action.as_str()) ")"
                        @if let Some(protection) = file.protection { " ⚠ " (protection.describe()) }
                    }
                }
            }
        }
    }
}

fn protected_files<'a>(files: impl Iterator<Item = (&'a str, Protection)>) -> Markup {
    let files: Vec<_> = files.collect();
    html! {
        @if !files.is_empty() {
            div.notice {
                "⚠ Look with care at what is protected:"
                ul { @for (path, protection) in files { li { code { (line(path)) } " " (protection.describe()) } } }
            }
        }
    }
}

/// The files of a change, protected ones first.
pub(super) fn changed_files(files: &[ChangedFile]) -> Markup {
    let (protected, ordinary): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.protection.is_some());
    let marked = protected.iter().filter_map(|file| Some((file.path.as_str(), file.protection?)));
    html! {
        (protected_files(marked))
        div.scroll { table {
            tr { th { "File" } th { "What" } }
            @for file in protected.iter().chain(&ordinary) {
                tr { td { code { (line(file.path.as_str())) } } td { (file.action.as_str()) } }
            }
        } }
    }
}

/// A QA report, and what was refused to the agent.
pub(super) fn qa(report: &QaReport, refused_to_agent: u64) -> Markup {
    html! {
        (evidence::findings(report, refused_to_agent))
        @if let Some(setup) = &report.setup { @if !setup.passed() { p.bad { "The setup command failed: " (words::ended(setup)) } (output(setup)) } }
        div.scroll { table {
            tr { th { "Check" } th { "Result" } th { "Time" } }
            @for gate in &report.gates {
                tr {
                    td {
                        (line(&gate.name)) @if !gate.required { span.soft { " (not required)" } }
                        br; code.soft { (line(&gate.result.command)) }
                    }
                    td {
                        @if gate.passed() { span.good { "✓ passed" } (evidence::counts(gate)) }
                        @else if let Some(why) = gate.lost() { span.bad { "✗ not believed: " (line(why)) } }
                        @else if gate.blocks() { span.bad { "✗ " (line(&words::ended(&gate.result))) } }
                        @else if gate.failed_on_base == Some(true) { span.waiting { "failed before the change already" } }
                        @else { span.waiting { (line(&words::ended(&gate.result))) } }
                        @if !gate.passed() { (output(&gate.result)) }
                    }
                    td { (words::milliseconds(gate.result.duration_ms)) }
                }
            }
        } }
        @if !report.checklist.is_empty() {
            h3 { "Checklist" }
            ul {
                @for item in &report.checklist {
                    li {
                        @match item.passed {
                            Some(true) => span.good { "✓ " },
                            Some(false) => span.bad { "✗ " },
                            None => span.waiting { "for you to look at: " },
                        }
                        (line(&item.text)) span.soft { " (" (verified_by(&item.verified_by)) ")" }
                    }
                }
            }
        }
    }
}

fn output(result: &CommandResult) -> Markup {
    html! {
        @if !result.output.trim().is_empty() {
            details { summary { "Output" } pre { (text::lines(&result.output, MAX_OUTPUT)) } }
        }
    }
}

fn verified_by(how: &VerifiedBy) -> String {
    match how {
        VerifiedBy::Gate { name } => line(&format!("by the check {name}")),
        VerifiedBy::Command { command } => line(&format!("by {command}")),
        VerifiedBy::Person => "by a person".to_owned(),
    }
}

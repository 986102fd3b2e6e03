//! The page for editing a SPEC: each part in a field of its own, with empty rows for more.

use domain::spec::{FileAction, SpecDraft, VerifiedBy};
use maud::{Markup, html};

use crate::pages::layout::frame;
use crate::pages::parts::line;

/// Empty rows at the end of each list.
const SPARE_ROWS: usize = 3;

/// What the page shows.
pub(crate) struct EditFacts<'a> {
    pub(crate) draft: &'a SpecDraft,
    /// The rules that the last try breaks.
    pub(crate) problems: &'a [String],
    pub(crate) nonce: &'a str,
    pub(crate) gate_page: &'a str,
}

pub(crate) fn edit(facts: &EditFacts<'_>) -> Markup {
    let EditFacts { draft, .. } = facts;
    let body = html! {
        h1 { "Edit the plan" }
        p { "Your edit is checked by the rules that a model's plan has to keep. Nothing is approved yet: you see what
             you changed, and approve that." }
        @if !facts.problems.is_empty() {
            div.notice role="alert" {
                strong { "Nothing was stored. Please mend:" }
                ul { @for problem in facts.problems { li { (line(problem)) } } }
            }
        }
        form method="post" autocomplete="off" {
            input type="hidden" name="nonce" value=(facts.nonce);
            section {
                h2 { "In short" }
                label for="title" { "Title" }
                input id="title" name="title" value=(draft.title) required;
                (text("problem", "Problem", &draft.problem_statement))
                (text("solution", "Solution", &draft.proposed_solution))
            }
            section {
                h2 { "Files" }
                p.soft.small { "Nothing else can be changed. Empty a path to take its file out." }
                @for file in &draft.files { (file_row(&file.path, file.action, &file.reason)) }
                @for _ in 0..SPARE_ROWS { (file_row("", FileAction::Modify, "")) }
            }
            section {
                h2 { "Implementation plan" }
                @for step in &draft.implementation_plan { (step_row(step)) }
                @for _ in 0..SPARE_ROWS { (step_row("")) }
                (text("testing", "Testing strategy", &draft.testing_strategy))
            }
            section {
                h2 { "Verification checklist" }
                @for item in &draft.verification_checklist { (check_row(&item.text, &item.verified_by)) }
                @for _ in 0..SPARE_ROWS { (check_row("", &VerifiedBy::Person)) }
            }
            section {
                h2 { "Risks" }
                @for risk in &draft.risks { (risk_row(&risk.risk, &risk.mitigation)) }
                @for _ in 0..SPARE_ROWS { (risk_row("", "")) }
            }
            section {
                h2 { "New dependencies" }
                @for it in &draft.new_dependencies { (dependency_row(&it.name, &it.version, &it.reason)) }
                @for _ in 0..SPARE_ROWS { (dependency_row("", "", "")) }
            }
            button type="submit" { "Check my edit" }
            p { a href=(facts.gate_page) { "Back without an edit" } }
        }
    };
    frame("Edit the plan", &html! { "pi-tickets" }, &body)
}

fn text(name: &str, label: &str, value: &str) -> Markup {
    html! {
        label for=(name) { (label) }
        // A line's end after the tag is not a part of the text.
        textarea id=(name) name=(name) rows="6" { "\n" (value) }
    }
}

/// A short field that keeps ends of lines, where the text has some.
fn field(name: &str, label: &str, value: &str) -> Markup {
    html! { textarea.short name=(name) aria-label=(label) placeholder=(label) rows="1" { "\n" (value) } }
}

fn file_row(path: &str, action: FileAction, reason: &str) -> Markup {
    html! {
        div.fields {
            (field("file-path", "Path", path))
            select name="file-action" aria-label="What happens to it" {
                @for choice in [FileAction::Create, FileAction::Modify, FileAction::Delete] {
                    option value=(choice.as_str()) selected[choice == action] { (choice.as_str()) }
                }
            }
            (field("file-reason", "Why", reason))
        }
    }
}

fn step_row(step: &str) -> Markup {
    html! { textarea name="step" aria-label="Step" rows="2" { "\n" (step) } }
}

fn check_row(text: &str, by: &VerifiedBy) -> Markup {
    let (kind, how) = match by {
        VerifiedBy::Gate { name } => ("gate", name.as_str()),
        VerifiedBy::Command { command } => ("command", command.as_str()),
        VerifiedBy::Person => ("person", ""),
    };
    html! {
        div.fields {
            (field("check-text", "What must be true", text))
            select name="check-by" aria-label="How it is verified" {
                @for (value, words) in [("gate", "by the check"), ("command", "by the command"), ("person", "by a person")] {
                    option value=(value) selected[value == kind] { (words) }
                }
            }
            (field("check-how", "Check or command", how))
        }
    }
}

fn risk_row(risk: &str, mitigation: &str) -> Markup {
    html! { div.fields { (field("risk", "What could go wrong", risk)) (field("mitigation", "What is done about it", mitigation)) } }
}

fn dependency_row(name: &str, version: &str, reason: &str) -> Markup {
    html! {
        div.fields {
            (field("dependency", "Package", name)) (field("dependency-version", "Version", version))
            (field("dependency-reason", "Why", reason))
        }
    }
}

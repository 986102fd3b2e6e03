//! What is decided on, with a field for words on each part of it.

use domain::gate::MAX_SECTION_COMMENTS;
use domain::spec::{Section, Spec, render_section};
use domain::workflow::ChangedFile;
use maud::{Markup, html};

use super::compare::compare;
use super::{GateFacts, MAX_COMMENT, Question};
use crate::gate::{Answer, NOTE};
use crate::pages::parts::{changed_files, line, qa, spec, spec_marks, web_link};
use crate::pages::{diff, markdown, words};

/// The form that the fields belong to, wherever they stand.
pub(super) const FORM: &str = "decision";

pub(super) fn subject(documents: &GateFacts, question: Question, answer: &Answer) -> Markup {
    match question {
        Question::Merge => change(documents, answer),
        Question::Plan | Question::Amendment => plan(documents, question, answer),
    }
}

fn plan(documents: &GateFacts, question: Question, answer: &Answer) -> Markup {
    let GateFacts { workflow, spec, previous, edit, .. } = documents;
    let Some(found) = spec else {
        return html! {
            section { h2 { "The plan" } p.bad { "The plan cannot be shown just now, so please do not decide yet. Load this page again." } }
        };
    };
    html! {
        @if let Some((_, edited)) = edit {
            section { h2 { "Your edit" } (compare(found, edited)) }
        }
        @if let Some(reason) = workflow.plan_feedback.as_deref().filter(|reason| !reason.trim().is_empty()) {
            section { h2 { "Why you are asked again" } blockquote { (domain::text::lines(reason, MAX_COMMENT)) } }
        }
        @if let Some(previous) = previous {
            section {
                details open { summary { "What changed since revision " (previous.revision) } (compare(previous, found)) }
            }
        }
        section {
            h2 { @if question == Question::Amendment { "An amendment of the approved plan" } @else { "The plan" } }
            (spec_marks(found))
            p { strong { (line(&found.text.title)) } }
            (figures(found))
            @for section in Section::ALL.into_iter().filter(|section| *section != Section::Title) {
                (part(found, section, answer))
            }
        }
    }
}

fn figures(spec: &Spec) -> Markup {
    html! {
        p.soft.small {
            "Revision " (spec.revision) " · base commit " code { (spec.base_commit.as_str().chars().take(12).collect::<String>()) }
            " · the planner is " (words::percent(spec.text.confidence)) " sure · about "
            (words::dollars(spec.text.estimated_usd)) " and " (spec.text.estimated_minutes) " min"
        }
    }
}

fn part(spec: &Spec, section: Section, answer: &Answer) -> Markup {
    let body = render_section(spec, section);
    html! {
        @if !body.is_empty() {
            h3 { (section.name()) }
            (markdown::render(&body))
            (note(section.name(), answer))
        }
    }
}

/// A field for words on one part; closed until somebody opens it.
fn note(name: &str, answer: &Answer) -> Markup {
    let said = answer.note(name);
    html! {
        details.note open[!said.is_empty()] {
            summary { "Comment on “" (name) "”" }
            textarea form=(FORM) name=(format!("{NOTE}{name}")) aria-label=(format!("Comment on {name}"))
                maxlength=(MAX_COMMENT) rows="3" { "\n" (said) }
        }
    }
}

fn change(facts: &GateFacts, answer: &Answer) -> Markup {
    html! {
        section {
            h2 { "The change" }
            @if let Some(pr) = &facts.workflow.pr {
                p { (web_link(&pr.url, &format!("Read pull request {} line by line", pr.number)))
                    span.soft { " · head " code { (pr.head_sha.as_str().chars().take(12).collect::<String>()) } } }
            }
            @match &facts.diff {
                Some(found) => (diff::change(found)),
                None => { (changed_files(&facts.changed)) p.soft { "Its lines are not at hand here: read them at the pull request." } },
            }
            (file_notes(&facts.changed, answer))
        }
        section {
            h2 { "Checks" }
            @match &facts.qa {
                Some(report) => { (qa(report, facts.workflow.refused_connections)) (note("the checks", answer)) },
                None => p.bad { "The report cannot be shown just now. Load this page again." },
            }
        }
        @if let Some(found) = &facts.spec { section { details { summary { "The plan that was approved" } (spec(found)) } } }
    }
}

fn file_notes(files: &[ChangedFile], answer: &Answer) -> Markup {
    // One place is left for the checks.
    let files = files.iter().take(MAX_SECTION_COMMENTS - 1);
    html! { @for file in files { (note(&line(file.path.as_str()), answer)) } }
}

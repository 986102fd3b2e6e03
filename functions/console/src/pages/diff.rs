//! A change, line by line.

use domain::Timestamp;
use domain::diff::{ChangeDiff, DiffBody, FileDiff, Hunk, NO_NEWLINE};
use domain::ids::Attempt;
use domain::text::visible;
use domain::workflow::Workflow;
use maud::{Markup, html};

use super::code::{Kind, Language, language, pieces};
use super::layout::frame;
use super::parts::{line, moment};

/// Most bytes of all files' markup: a function's answer is 6 MB at most, and a gate that cannot be loaded cannot be decided.
const MAX_MARKUP: usize = 3 * 1024 * 1024;
/// Files of more lines than this are closed until somebody opens them.
const OPEN_LINES: u32 = 400;

/// What the page of a diff shows.
pub(crate) struct DiffFacts<'a> {
    pub(crate) workflow: &'a Workflow,
    /// Every attempt with a verified change, and when it was verified.
    pub(crate) attempts: &'a [(Attempt, Timestamp)],
    pub(crate) attempt: Attempt,
    /// `None` where it is no longer stored, or cannot be believed.
    pub(crate) diff: Option<&'a ChangeDiff>,
}

pub(crate) fn diff(facts: &DiffFacts<'_>, base_url: &str) -> Markup {
    let page = facts.workflow.id.page(base_url);
    let body = html! {
        h1 { "The change: " (line(&facts.workflow.ticket.title)) }
        p { a href=(page) { "Back to the workflow" } }
        @if facts.attempts.len() > 1 {
            ul.plain {
                @for (attempt, at) in facts.attempts {
                    li {
                        @if *attempt == facts.attempt { strong { "Attempt " (attempt) } }
                        @else { a href=(format!("{page}/diff?attempt={attempt}")) { "Attempt " (attempt) } }
                        span.soft.small { " · verified " (moment(*at)) }
                    }
                }
            }
        }
        @match facts.diff {
            Some(found) => (change(found)),
            None => p.notice { "The lines of this attempt are not at hand: they are kept for as long as runs are, and changes of before this page was there have none." },
        }
    };
    let crumb = html! { "pi-tickets · " (line(&facts.workflow.ticket.key.id)) };
    frame("The change", &crumb, &body)
}

/// A whole change: the list of its files, then each of them.
pub(super) fn change(diff: &ChangeDiff) -> Markup {
    let (added, removed) = diff.totals();
    let mut left = MAX_MARKUP;
    html! {
        p {
            (diff.files.len()) @if diff.files.len() == 1 { " file, " } @else { " files, " }
            span.good { "+" (added) } " " span.bad { "−" (removed) } " lines"
            span.soft.small { " · attempt " (diff.attempt) " · on commit " code { (diff.base_commit.as_str().chars().take(12).collect::<String>()) } }
        }
        div.scroll { table {
            tr { th { "File" } th { "Scope" } th { "Lines" } }
            @for (index, file) in diff.files.iter().enumerate() {
                tr {
                    td { a href=(format!("#file-{index}")) { code { (visible(file.path.as_str())) } } }
                    td { (scope(file)) }
                    td { span.good { "+" (file.added) } " " span.bad { "−" (file.removed) } }
                }
            }
        } }
        @for (index, file) in diff.files.iter().enumerate() { (within(&mut left, file, index)) }
    }
}

/// What allows the file's change, in words.
fn scope(file: &FileDiff) -> Markup {
    html! {
        span.good { "✓ in the plan: " (file.action.as_str()) }
        @if file.by_amendment { span.waiting { " · added by an amendment" } }
        @if let Some(protection) = file.protection { span.waiting { " · ⚠ protected: " (protection.describe()) } }
        @if file.executable { span.soft { " · executable" } }
    }
}

/// A file with its lines while the page is not too long, and without them afterwards.
fn within(left: &mut usize, file: &FileDiff, index: usize) -> Markup {
    let whole = one(file, index, &body(file));
    match left.checked_sub(whole.0.len()) {
        Some(rest) => {
            *left = rest;
            whole
        }
        None => one(
            file,
            index,
            &html! { p.notice { "Its lines would make this page too long: read them at the pull request." } },
        ),
    }
}

fn one(file: &FileDiff, index: usize, body: &Markup) -> Markup {
    html! {
        details.file id=(format!("file-{index}")) open[file.added + file.removed <= OPEN_LINES] {
            summary { code { (visible(file.path.as_str())) } " " span.small { (scope(file)) } }
            (body)
        }
    }
}

fn body(file: &FileDiff) -> Markup {
    let note = |text: &str| html! { p.soft { (text) } };
    html! {
        @match &file.body {
            DiffBody::Lines { hunks, omitted } => {
                @if hunks.is_empty() && *omitted == 0 { (note("Its content stays; only its mode changes, or it is empty.")) }
                @else { (lines(file, hunks)) }
                @if *omitted > 0 { p.notice { (omitted) " more lines are not shown here: read them at the pull request." } }
            },
            DiffBody::Binary => (note("It is no text.")),
            DiffBody::TooLarge => (note("It is too large to be shown: read it at the pull request.")),
            DiffBody::Withheld => (note("It held what looks like a credential before this change, and is not shown: read it at the pull request.")),
            DiffBody::Unknown => (note("What it was before is not at hand: read it at the pull request.")),
        }
    }
}

/// The lines with their numbers before and after. What is new and what is gone is marked by a sign, not by colour alone.
fn lines(file: &FileDiff, hunks: &[Hunk]) -> Markup {
    let of = language(file.path.as_str());
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Lines of {}", visible(file.path.as_str()))) {
            table.diff {
                @for (index, hunk) in hunks.iter().enumerate() {
                    @if index > 0 { tr.gap { td colspan="3" { "⋯" } } }
                    @let (mut old, mut new) = (hunk.old_start, hunk.new_start);
                    @for text in &hunk.lines { (row(text, &mut old, &mut new, of)) }
                }
            }
        }
    }
}

fn row(text: &str, old: &mut u32, new: &mut u32, of: Option<&Language>) -> Markup {
    if text == NO_NEWLINE {
        return html! { tr.soft { td {} td {} td { "no newline at the end" } } };
    }
    let mark = text.chars().next().unwrap_or(' ');
    let words = text.get(mark.len_utf8()..).unwrap_or_default();
    let number = |of: &mut u32, counts: bool| {
        let shown = if counts { of.to_string() } else { String::new() };
        *of += u32::from(counts);
        shown
    };
    let (left, right) = (number(old, mark != '+'), number(new, mark != '-'));
    let (class, sign) = match mark {
        '-' => ("gone", "−"),
        '+' => ("new", "+"),
        _ => ("same", " "),
    };
    html! {
        tr.(class) {
            td.number { (left) }
            td.number { (right) }
            td { span.sign { (sign) } @for (kind, piece) in pieces(of, words) { (coloured(kind, &visible(piece))) } }
        }
    }
}

fn coloured(kind: Kind, text: &str) -> Markup {
    let class = match kind {
        Kind::Plain => return html! { (text) },
        Kind::Comment => "c",
        Kind::Text => "t",
        Kind::Number => "n",
        Kind::Word => "w",
    };
    html! { i class=(class) { (text) } }
}

//! Progress of the sandboxes.

use domain::task::{ProgressEvent, RunOutcome};
use domain::text;
use maud::{Markup, html};
use store::LogLine;

use super::layout::frame;
use super::parts::{line, summary};
use super::{LogFacts, words};

/// Longest line, characters.
const MAX_LINE: usize = 2_500;

pub(crate) fn logs(facts: &LogFacts<'_>, base_url: &str) -> Markup {
    let page = facts.workflow.id.page(base_url);
    let body = html! {
        (summary(facts.workflow))
        section {
            h2 { "Progress" }
            (lines(facts.lines))
            @if let Some(next) = &facts.next {
                @let after = next.replace('#', "%23");
                p { a href=(format!("{page}/logs?after={after}")) { "More" } }
            }
        }
    };
    let crumb = html! { a href=(page) { "← " (line(&facts.workflow.ticket.key.id)) } };
    frame("Progress", &crumb, &body)
}

/// Lines in order. Signs of life, and the ends of calls whose beginning was told and that went well, say nothing to a
/// reader.
pub(super) fn lines(lines: &[LogLine]) -> Markup {
    let is_news = |event: &ProgressEvent| {
        !matches!(event, ProgressEvent::Heartbeat | ProgressEvent::Tool { failed: Some(false), .. })
    };
    let shown = lines.iter().filter(|line| is_news(&line.event));
    html! {
        @if lines.is_empty() { p.soft { "Nothing was said yet." } }
        @else {
            div.scroll { table {
                @for entry in shown {
                    tr {
                        td.soft.small { (entry.at.strftime("%H:%M:%S")) }
                        td.soft.small { (entry.run.as_str()) " " (entry.attempt) }
                        td { (event(&entry.event)) }
                    }
                }
            } }
        }
    }
}

fn event(event: &ProgressEvent) -> Markup {
    html! {
        @match event {
            ProgressEvent::Started { isolation } => { "Started, isolated by " (line(&isolation.join(", "))) },
            ProgressEvent::Message { text } => { (text::lines(text, MAX_LINE)) },
            ProgressEvent::Tool { name, summary, failed } => {
                strong { (line(name)) } " " code { (line(summary)) }
                @if *failed == Some(true) { span.bad { " refused or failed" } }
            },
            ProgressEvent::ModelCall { usage } => {
                span.soft { (usage.turns) " model call(s), " (usage.total_tokens()) " tokens, " (words::usd(usage)) " so far" }
            },
            ProgressEvent::Gate { name, passed, duration_ms } => {
                "Check " strong { (line(name)) }
                @match passed {
                    None => " begins",
                    Some(true) => span.good { " passed" },
                    Some(false) => span.bad { " failed" },
                }
                @if let Some(ms) = duration_ms { span.soft { " after " (words::milliseconds(*ms)) } }
            },
            ProgressEvent::Heartbeat => {},
            ProgressEvent::Ended { outcome } => { "Ended" @if *outcome != RunOutcome::Completed { span.bad { " early" } } },
        }
    }
}

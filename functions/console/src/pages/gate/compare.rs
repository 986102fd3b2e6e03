//! What is different between two SPECs, as a diff of what people read.

use domain::spec::{Section, Spec, render_section};
use domain::text;
use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change.
const CONTEXT: usize = 2;
/// Longest line, characters.
const MAX_LINE: usize = 2_000;

/// The sections that differ, each with its diff; nothing where none does.
pub(super) fn compare(before: &Spec, after: &Spec) -> Markup {
    let changed = Section::ALL.into_iter().filter(|section| section.differs(before, after));
    html! {
        @for section in changed {
            h3 { (section.name()) }
            (diff(&render_section(before, section), &render_section(after, section)))
        }
        @if before.base_commit != after.base_commit {
            p.soft { "It is written for another commit: " code { (after.base_commit.as_str().chars().take(12).collect::<String>()) }
                ", and not " code { (before.base_commit.as_str().chars().take(12).collect::<String>()) } "." }
        }
    }
}

fn diff(before: &str, after: &str) -> Markup {
    let diff = TextDiff::from_lines(before, after);
    html! {
        pre.diff {
            @for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
                @if index > 0 { span.soft { "⋯" } "\n" }
                @for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                    @let words = text::lines(change.value().trim_end_matches('\n'), MAX_LINE);
                    @match change.tag() {
                        ChangeTag::Delete => del { "- " (words) },
                        ChangeTag::Insert => ins { "+ " (words) },
                        ChangeTag::Equal => span { "  " (words) },
                    }
                    "\n"
                }
            }
        }
    }
}

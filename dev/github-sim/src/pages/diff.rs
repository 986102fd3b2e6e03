//! Changed files as tables with line numbers.

use maud::{Markup, html};

use crate::git::FileChange;
use crate::names::{RepoName, Sha};
use crate::view::encode_path;

/// One line of a patch.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// `@@ … @@`.
    Hunk(&'a str),
    /// In both, with both numbers.
    Same(u64, u64, &'a str),
    /// Only in the old file.
    Removed(u64, &'a str),
    /// Only in the new file.
    Added(u64, &'a str),
    /// `\ No newline at end of file`.
    Note(&'a str),
}

fn lines(patch: &str) -> Vec<Line<'_>> {
    let (mut old, mut new) = (0, 0);
    patch
        .lines()
        .map(|line| {
            let mut chars = line.chars();
            match chars.next() {
                Some('@') => {
                    (old, new) = starts(line).unwrap_or((old, new));
                    Line::Hunk(line)
                }
                Some('-') => {
                    old += 1;
                    Line::Removed(old - 1, chars.as_str())
                }
                Some('+') => {
                    new += 1;
                    Line::Added(new - 1, chars.as_str())
                }
                Some('\\') => Line::Note(line),
                _ => {
                    (old, new) = (old + 1, new + 1);
                    Line::Same(old - 1, new - 1, chars.as_str())
                }
            }
        })
        .collect()
}

/// Reads `@@ -12,3 +14,5 @@`.
fn starts(hunk: &str) -> Option<(u64, u64)> {
    let mut words = hunk.split(' ').skip(1);
    let mut number = |sign| words.next()?.strip_prefix(sign)?.split(',').next()?.parse().ok();
    Some((number('-')?, number('+')?))
}

/// All files of a change.
pub(super) fn files(repo: &RepoName, at: &Sha, files: &[FileChange]) -> Markup {
    let additions: u64 = files.iter().map(|f| f.additions).sum();
    let deletions: u64 = files.iter().map(|f| f.deletions).sum();
    html! {
        h2 #files {
            (files.len()) @if files.len() == 1 { " file" } @else { " files" } " changed "
            span .good { "+" (additions) } " " span .bad { "−" (deletions) }
        }
        @for file in files { (one(repo, at, file)) }
    }
}

fn one(repo: &RepoName, at: &Sha, file: &FileChange) -> Markup {
    html! {
        details .box open {
            summary .top {
                code {
                    @if let Some(previous) = &file.previous_path { (previous) " → " }
                    (file.path)
                }
                " " span .dim { (file.status.as_str()) }
                " " span .good { "+" (file.additions) } " " span .bad { "−" (file.deletions) }
                @if file.status.as_str() != "removed" {
                    " · " a href={ "/" (repo.to_string()) "/blob/" (at.as_str()) "/" (encode_path(&file.path)) } { "View" }
                }
            }
            @match &file.patch {
                Some(patch) => { div .scroll { table .code { @for line in lines(patch) { (row(&line)) } } } },
                None => { div .in { p .dim { "No text to show: a binary file, or only its mode or name changed." } } },
            }
        }
    }
}

fn row(line: &Line<'_>) -> Markup {
    match line {
        Line::Hunk(text) => html! { tr .hunk { td colspan="4" { (text) } } },
        Line::Note(text) => html! { tr .hunk { td .n {} td .n {} td {} td { (text) } } },
        Line::Same(old, new, text) => html! { tr { td .n { (old) } td .n { (new) } td { " " } td { (text) } } },
        Line::Removed(old, text) => html! { tr .del { td .n { (old) } td .n {} td { "−" } td { (text) } } },
        Line::Added(new, text) => html! { tr .add { td .n {} td .n { (new) } td { "+" } td { (text) } } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_on_both_sides() {
        let patch = "@@ -3,3 +5,3 @@ fn x\n a\n-b\n+c\n+é\n\\ No newline at end of file";
        assert_eq!(
            lines(patch),
            [
                Line::Hunk("@@ -3,3 +5,3 @@ fn x"),
                Line::Same(3, 5, "a"),
                Line::Removed(4, "b"),
                Line::Added(6, "c"),
                Line::Added(7, "é"),
                Line::Note("\\ No newline at end of file"),
            ]
        );
    }
}

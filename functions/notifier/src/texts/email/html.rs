//! A mail as HTML: styles inline, as mail programs want them, and readable without any.

use maud::{DOCTYPE, Markup, html};

use super::{FileLine, Letter, MAX_FILES, Part};

const BODY: &str = "margin:0;padding:24px 12px;background:#f4f5f7;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1f2430";
const CARD: &str = "max-width:640px;margin:0 auto;padding:24px;background:#ffffff;border-radius:12px";
const H1: &str = "margin:0 0 4px;font-size:20px;line-height:1.3";
const H2: &str = "margin:24px 0 4px;font-size:13px;letter-spacing:.04em;text-transform:uppercase;color:#5b6475";
const BUTTON: &str = "display:inline-block;margin:16px 0;padding:12px 20px;background:#2450d8;color:#ffffff;border-radius:8px;text-decoration:none;font-weight:600";
const PROSE: &str = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere";
const MUTED: &str = "margin:16px 0 0;font-size:14px;color:#5b6475";
const CELL: &str = "padding:4px 12px 4px 0;vertical-align:top";
const WARN: &str = "color:#9a4a00;font-weight:600";

pub(super) fn render(letter: &Letter<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light";
                title { (letter.subject) }
            }
            body style=(BODY) {
                div style=(CARD) {
                    h1 style=(H1) { (letter.headline) }
                    p style="margin:0" { (letter.question) }
                    a href=(letter.url) style=(BUTTON) { (letter.button) }
                    p style="margin:0" { (letter.deadline) }
                    @for (title, part) in &letter.sections { (section(title, part)) }
                    p style=(MUTED) { "This link is yours alone: do not forward it. Opening it decides nothing." }
                }
            }
        }
    }
}

fn section(title: &str, part: &Part) -> Markup {
    html! {
        @match part {
            Part::Prose(text) => { @if !text.is_empty() { h2 style=(H2) { (title) } p style=(PROSE) { (text) } } },
            Part::Files(files) => { @if !files.is_empty() { h2 style=(H2) { (title) } (file_list(files)) } },
            Part::Facts(facts) => {
                h2 style=(H2) { (title) }
                table style="border-collapse:collapse" {
                    @for (name, value) in facts {
                        tr { td style=(CELL) { (name) } td style=(CELL) { (value) } }
                    }
                }
            }
        }
    }
}

fn file_list(files: &[FileLine]) -> Markup {
    html! {
        ul style="margin:0;padding-left:20px" {
            @for file in files.iter().take(MAX_FILES) {
                li {
                    @if file.protected { span style=(WARN) { "⚠ " } }
                    code { (file.path) } " (" (file.action) ")"
                    @if !file.note.is_empty() { " – " (file.note) }
                }
            }
            @if files.len() > MAX_FILES { li { "and " (files.len() - MAX_FILES) " more" } }
        }
    }
}

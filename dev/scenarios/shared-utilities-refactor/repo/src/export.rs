//! Exports: the ledger's lines for the tax adviser's program, one per line, separated by semicolons.

use crate::Item;

/// Longest label that the program takes.
const LABEL: usize = 24;

/// Renders an export.
pub fn render(items: &[Item]) -> String {
    let mut out = String::from("label;amount\n");
    for item in items {
        let label = truncate(&item.label.replace(';', ","), LABEL);
        out.push_str(&format!("{label};{}\n", format_cents(item.cents)));
    }
    out
}

fn format_cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

fn truncate(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{kept}…")
}

//! Receipts: what a customer has paid, for the till's printer.

use crate::{Item, WIDTH};

/// Renders a receipt.
pub fn render(till: &str, items: &[Item], paid: i64) -> String {
    let total: i64 = items.iter().map(|i| i.cents).sum();
    let mut out = format!("{}\n", truncate(&format!("RECEIPT {till}"), WIDTH));
    for item in items {
        out.push_str(&columns(&item.label, &format_cents(item.cents)));
    }
    out.push_str(&columns("Total", &format_cents(total)));
    out.push_str(&columns("Paid", &format_cents(paid)));
    out.push_str(&columns("Change", &format_cents(paid - total)));
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

fn columns(left: &str, right: &str) -> String {
    let room = WIDTH - right.chars().count() - 1;
    let left = truncate(left, room);
    format!("{left:<room$} {right}\n")
}

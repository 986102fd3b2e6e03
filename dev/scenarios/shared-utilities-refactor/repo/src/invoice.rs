//! Invoices: what a customer has to pay.

use crate::{Item, WIDTH};

/// Renders an invoice.
pub fn render(number: u32, customer: &str, items: &[Item]) -> String {
    let mut out = format!("INVOICE {number:06}\n{}\n\n", truncate(customer, WIDTH));
    for item in items {
        out.push_str(&columns(&item.label, &format_cents(item.cents)));
    }
    out.push_str(&format!("{}\n", "-".repeat(WIDTH)));
    out.push_str(&columns("Total", &format_cents(items.iter().map(|i| i.cents).sum())));
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

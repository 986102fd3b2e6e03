//! Reminders: what a customer should have paid.

use crate::WIDTH;

/// Renders the `level`th reminder for `due` cents. A negative amount is credit that the customer has left.
pub fn render(customer: &str, level: u8, due: i64) -> String {
    let mut out = format!("REMINDER {level}\n{}\n\n", truncate(customer, WIDTH));
    out.push_str(&columns("Amount due", &format_cents(due)));
    out
}

fn format_cents(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, (cents % 100).abs())
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

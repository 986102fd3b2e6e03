//! Statements: every movement of an account and the balance after it.

use crate::{Item, WIDTH};

/// Renders a statement.
pub fn render(account: &str, opening: i64, movements: &[Item]) -> String {
    let mut balance = opening;
    let mut out = format!("{}\n", truncate(&format!("STATEMENT {account}"), WIDTH));
    out.push_str(&columns("Opening balance", &format_cents(opening)));
    for movement in movements {
        balance += movement.cents;
        out.push_str(&columns(&movement.label, &format_cents(movement.cents)));
    }
    out.push_str(&columns("Closing balance", &format_cents(balance)));
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

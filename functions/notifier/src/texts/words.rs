//! Numbers and times as people say them.

use domain::budget::Usage;
use domain::{Timestamp, WorkflowState};

/// An amount of money.
pub(super) fn usd(usage: &Usage) -> String {
    dollars(usage.usd())
}

/// An amount of money.
pub(super) fn dollars(usd: f64) -> String {
    if usd > 0.0 && usd < 0.01 { "under $0.01".to_owned() } else { format!("${usd:.2}") }
}

/// A number of things: `1 file`, `2 files`.
pub(super) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// A time, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%a %-d %b %Y, %H:%M UTC").to_string()
}

/// How long it is from `now` to `at`, in its largest unit: minutes rounded down, hours and days to the nearest, so that
/// a mail that leaves a moment later still says `24 hours`.
pub(super) fn left(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second().saturating_sub(now.as_second());
    let number = |unit: i64| usize::try_from(seconds / unit).unwrap_or(0);
    let nearest = |unit: i64| usize::try_from(seconds.saturating_add(unit / 2) / unit).unwrap_or(0);
    match seconds {
        ..60 => "less than a minute".to_owned(),
        60..7_200 => count(number(60), "minute"),
        7_200..172_800 => count(nearest(3_600), "hour"),
        _ => count(nearest(86_400), "day"),
    }
}

/// A state as a sentence.
pub(super) const fn ending(state: WorkflowState) -> &'static str {
    match state {
        WorkflowState::Completed => "Done: the change is merged",
        WorkflowState::SpecRejected => "Stopped: the plan was not approved",
        WorkflowState::NotSuitable => "Stopped: this ticket cannot be planned",
        WorkflowState::QaFailed => "Stopped: the change did not pass its checks",
        WorkflowState::PrClosed => "Stopped: the pull request was closed without a merge",
        WorkflowState::Cancelled => "Cancelled",
        _ => "Stopped: something broke",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_amounts_read_well() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let after = |seconds: i64| left(Timestamp::from_second(now.as_second() + seconds).unwrap(), now);
        let said = [after(-5), after(59), after(60), after(119 * 60), after(86_390), after(172_800)];
        assert_eq!(said, ["less than a minute", "less than a minute", "1 minute", "119 minutes", "24 hours", "2 days"]);
        assert_eq!(time(now), "Sun 22 Nov 2026, 10:00 UTC");
        assert_eq!([dollars(0.0), dollars(0.004), dollars(0.2)], ["$0.00", "under $0.01", "$0.20"]);
    }
}

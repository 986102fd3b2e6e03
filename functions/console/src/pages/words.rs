//! Numbers, times, states and events as people say them.

use domain::budget::Usage;
use domain::gate::{Stage, Verdict};
use domain::qa::{CommandResult, Ended};
use domain::task::RunOutcome;
use domain::ticket::Priority;
use domain::workflow::Event;
use domain::{Timestamp, WorkflowState};

use crate::analytics::Share;

/// What something cost.
pub(super) fn usd(usage: &Usage) -> String {
    dollars(usage.usd())
}

/// An amount of money, US dollars.
pub(super) fn dollars(usd: f64) -> String {
    if usd > 0.0 && usd < 0.01 { "under $0.01".to_owned() } else { format!("${usd:.2}") }
}

/// A part of one.
pub(super) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// How many approvals it still takes.
pub(super) fn more(missing: u32) -> String {
    if missing == 1 { "one more".to_owned() } else { format!("{missing} more") }
}

/// What something cost, in millionths of a dollar.
pub(super) fn micro_usd(micro_usd: u64) -> String {
    usd(&Usage { micro_usd, ..Usage::default() })
}

/// A rate as a percentage.
pub(super) fn rate(rate: &Share) -> String {
    rate.rate.map_or_else(|| "–".to_owned(), percent)
}

/// Between what the true rate probably lies.
pub(super) fn interval(rate: &Share) -> String {
    match (rate.low, rate.high) {
        (Some(low), Some(high)) => format!("{:.0}–{:.0} %", low * 100.0, high * 100.0),
        _ => "–".to_owned(),
    }
}

/// A difference as a percentage.
pub(super) fn signed_percent(part: f64) -> String {
    format!("{:+.0} %", part * 100.0)
}

/// A duration that there may not be.
pub(super) fn duration(ms: Option<u64>) -> String {
    ms.map_or_else(|| "–".to_owned(), milliseconds)
}

/// A time, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// The time between two moments, in its two largest units.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    milliseconds(to.as_millisecond().saturating_sub(from.as_millisecond()).max(0).unsigned_abs())
}

/// A duration in its two largest units.
pub(super) fn milliseconds(ms: u64) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    match seconds {
        0..10 => format!("{seconds}.{} s", rest / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A state in words, and the class of its colour.
pub(super) const fn state(state: WorkflowState) -> (&'static str, &'static str) {
    match state {
        WorkflowState::Pending => ("waits for a place", "running"),
        WorkflowState::Planning => ("is being planned", "running"),
        WorkflowState::AwaitingClarification => ("waits for an answer", "waiting"),
        WorkflowState::AwaitingSpecApproval => ("plan waits for approval", "waiting"),
        WorkflowState::SpecApproved => ("plan approved", "running"),
        WorkflowState::Executing => ("is being built", "running"),
        WorkflowState::QaRunning => ("is being checked", "running"),
        WorkflowState::PrCreated => ("pull request opened", "running"),
        WorkflowState::AwaitingPrApproval => ("change waits for approval", "waiting"),
        WorkflowState::Merged => ("merged", "good"),
        WorkflowState::Completed => ("completed", "good"),
        WorkflowState::SpecRejected => ("plan rejected", "bad"),
        WorkflowState::NotSuitable => ("not suitable", "bad"),
        WorkflowState::QaFailed => ("checks failed", "bad"),
        WorkflowState::PrClosed => ("pull request closed", "bad"),
        WorkflowState::Cancelled => ("cancelled", "bad"),
        WorkflowState::Error => ("broke", "bad"),
    }
}

/// How urgent something is.
pub(super) const fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "urgent",
        Priority::Normal => "normal",
        Priority::Low => "can wait",
    }
}

/// A live state in a word or two.
pub(super) const fn state_short(state: WorkflowState) -> &'static str {
    match state {
        WorkflowState::Pending => "queue",
        WorkflowState::Planning => "planning",
        WorkflowState::AwaitingClarification => "question",
        WorkflowState::AwaitingSpecApproval => "plan gate",
        WorkflowState::SpecApproved => "build queue",
        WorkflowState::Executing => "building",
        WorkflowState::QaRunning => "checks",
        WorkflowState::PrCreated => "publishing",
        WorkflowState::AwaitingPrApproval => "change gate",
        WorkflowState::Merged => "closing",
        _ => "ended",
    }
}

/// How a command ended.
pub(super) fn ended(result: &CommandResult) -> String {
    match &result.ended {
        Ended::Exit { code: 0 } => "passed".to_owned(),
        Ended::Exit { code } => format!("exit code {code}"),
        Ended::Signal { signal } => format!("ended by signal {signal}"),
        Ended::TimedOut => "took too long".to_owned(),
        Ended::OutputLimit => "wrote too much".to_owned(),
        Ended::DiskLimit => "filled its disk".to_owned(),
        Ended::NotStarted { message } => format!("could not be started: {message}"),
    }
}

/// How an agent's run ended, in a word or two.
pub(super) fn outcome(outcome: &RunOutcome) -> String {
    let how = serde_json::to_value(outcome).ok();
    how.as_ref().and_then(|value| value.get("kind")?.as_str()).unwrap_or("ended").replace('_', " ")
}

/// What happened, and what there is to say about it. The second may hold foreign words.
pub(super) fn event(event: &Event) -> (String, Option<String>) {
    let only = |text: &str| (text.to_owned(), None);
    let with = |text: &str, detail: &str| (text.to_owned(), Some(detail.to_owned()));
    match event {
        Event::Created { ticket_version, .. } => (format!("Ticket accepted, version {ticket_version}"), None),
        Event::TicketUpdated { ticket_version, .. } => (format!("Ticket changed, version {ticket_version}"), None),
        Event::CancelRequested { reason } => with("Asked to stop", reason),
        Event::Resumed { resumption, comment } => (format!("Resumed: {}", resumption.from.describe()), comment.clone()),
        Event::PlanningStarted { revision } => (format!("Planning began, revision {revision}"), None),
        Event::SpecProposed { revision, usage, .. } => (format!("Plan written, revision {revision}"), Some(usd(usage))),
        Event::FoundUnsuitable { reason, .. } => with("Found unsuitable", reason),
        Event::GateOpened { .. }
        | Event::GateDecided { .. }
        | Event::GateApproved { .. }
        | Event::GateStage { .. }
        | Event::GateExtended { .. }
        | Event::GateDelegated { .. }
        | Event::CodeRequested { .. }
        | Event::SpecEdited { .. }
        | Event::SpecReplaced { .. } => gate_event(event),
        Event::SpecWentStale { reason } => with("The plan no longer fits", reason),
        Event::RunPrepared { attempt, .. } => (format!("Attempt {attempt} prepared"), None),
        Event::RunEnded { attempt, outcome, usage, .. } => {
            (format!("Agent's run {attempt}: {}", self::outcome(outcome)), Some(usd(usage)))
        }
        Event::ChangesVerified { attempt, files, .. } => {
            (format!("Change of attempt {attempt} is within the plan"), Some(format!("{} file(s)", files.len())))
        }
        Event::ScopeChangeProposed { attempt, revision, added, agent_reason, .. } => {
            let paths: Vec<&str> = added.iter().map(|file| file.path.as_str()).collect();
            let said = format!("{}\nThe agent says: {agent_reason}", paths.join(", "));
            (
                format!("The agent of attempt {attempt} asked for more files: plan amended, revision {revision}"),
                Some(said),
            )
        }
        Event::ScopeChangeRefused { attempt, reason, .. } => {
            (format!("The agent of attempt {attempt} asked for more files and was refused"), Some(reason.clone()))
        }
        Event::AttemptFailed { attempt, reason, .. } => {
            (format!("Attempt {attempt} was not good enough"), Some(reason.clone()))
        }
        Event::QaFinished { attempt, passed: true, .. } => (format!("Checks of attempt {attempt} passed"), None),
        Event::QaFinished { attempt, blocking, .. } => {
            (format!("Checks of attempt {attempt} failed"), Some(blocking.join(", ")))
        }
        Event::PrPublished { number, branch, .. } => (format!("Pull request {number} published"), Some(branch.clone())),
        Event::MergeConflict { reason } => with("The pull request no longer merges", reason),
        Event::PrMerged { merge_sha } => with("Merged", merge_sha.as_str()),
        Event::PrClosed { reason } => with("Pull request closed", reason),
        Event::Completed => only("Completed"),
        Event::Cancelled => only("Cancelled"),
        Event::Failed { failure } => (format!("Broke: {}", failure.kind), Some(failure.message.clone())),
    }
}

/// The same for what happens at a gate.
fn gate_event(event: &Event) -> (String, Option<String>) {
    match event {
        Event::GateOpened { kind, due_at, .. } => {
            (format!("Asked people to decide on {}", subject(*kind)), Some(format!("until {}", time(*due_at))))
        }
        Event::GateDecided { kind, status, verdict, comment, .. } => {
            let edited = if matches!(verdict, Verdict::ApproveEdited { .. }) { " with edits" } else { "" };
            (format!("Decided on {}: {}{edited}", subject(*kind), decision(*status)), comment.clone())
        }
        Event::GateApproved { kind, approvals, required, comment, .. } => {
            (format!("Approved {}: {approvals} of {required} approvals", subject(*kind)), comment.clone())
        }
        Event::GateStage { kind, stage, added, .. } => {
            let what = match stage {
                Stage::Asked | Stage::Reminded => "Reminded people of",
                Stage::Escalated => "Asked more people about",
                Stage::LastCall => "Last call for",
            };
            (format!("{what} {}", subject(*kind)), Some(added.join(", ")).filter(|added| !added.is_empty()))
        }
        Event::GateExtended { kind, due_at, .. } => {
            (format!("More time to decide on {}", subject(*kind)), Some(format!("until {}", time(*due_at))))
        }
        Event::GateDelegated { kind, to, .. } => {
            (format!("Handed on the decision on {}", subject(*kind)), Some(to.label().to_owned()))
        }
        Event::CodeRequested { kind, to, .. } => {
            (format!("A code was sent for the decision on {}", subject(*kind)), Some(to.label().to_owned()))
        }
        Event::SpecEdited { edit, changed } => {
            (format!("Plan edited, revision {}, not approved yet", edit.revision), Some(changed.join(", ")))
        }
        Event::SpecReplaced { revision, approvals, required, comment, .. } => {
            let words = format!("Plan replaced by its edit, revision {revision}: {approvals} of {required} approvals");
            (words, comment.clone())
        }
        _ => (String::new(), None),
    }
}

pub(super) const fn subject(kind: domain::gate::GateKind) -> &'static str {
    match kind {
        domain::gate::GateKind::Spec => "the plan",
        domain::gate::GateKind::Pr => "the pull request",
    }
}

pub(super) const fn decision(status: domain::gate::GateStatus) -> &'static str {
    use domain::gate::GateStatus as S;
    match status {
        S::Pending => "open",
        S::Approved => "approved",
        S::RevisionRequested => "sent back",
        S::Rejected => "rejected",
        S::Expired => "nobody decided in time",
        S::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let said = [90, 9_950, 59_999, 61_000, 7_260_000, 90_000_000].map(milliseconds);
        assert_eq!(said, ["0.0 s", "9.9 s", "59 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]);
    }
}

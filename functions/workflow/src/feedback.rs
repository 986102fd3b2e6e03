//! Why an attempt was not good enough, in words: the agent reads them before its next attempt, people read them in
//! the ticket. All pure.

use std::fmt::Write as _;

use domain::Digest;
use domain::qa::{Ended, GateResult, QaReport};
use domain::spec::{MAX_REQUESTED, RefusedPath, SpecFile};
use domain::steps::StepError;
use domain::task::RunOutcome;
use domain::verify::{NotVerified, Violation};

/// Output of one gate that is repeated, characters.
const MAX_OUTPUT: usize = 4_000;
/// Violations that are named.
const MAX_VIOLATIONS: usize = 30;

/// The change set broke rules.
pub(crate) fn violations(list: &[Violation]) -> String {
    let mut text = "The change was refused because it leaves what the approved SPEC allows:".to_owned();
    for violation in list.iter().take(MAX_VIOLATIONS) {
        push(&mut text, &format!("\n- {}", violation.message));
    }
    if list.len() > MAX_VIOLATIONS {
        push(&mut text, &format!("\n- and {} more", list.len() - MAX_VIOLATIONS));
    }
    push(&mut text, "\nChange only the files that the SPEC names, with the actions that it names.");
    text
}

/// Gates failed.
pub(crate) fn failed_gates(report: &QaReport) -> String {
    let mut text = "Quality gates failed:".to_owned();
    if let Some(setup) = report.setup.as_ref().filter(|setup| !setup.passed()) {
        push(&mut text, &format!("\n- setup ({}): {}", ended(&setup.ended), tail(&setup.output)));
    }
    for gate in report.blocking() {
        push(&mut text, &gate_text(gate));
    }
    text
}

fn gate_text(gate: &GateResult) -> String {
    if let Some(why) = gate.lost() {
        return format!(
            "\n- {} is not believed, whatever its exit code: {why}. Tests that the SPEC does not delete must run, and fail \
             when the code is wrong.",
            gate.name
        );
    }
    let output = tail(&gate.result.output);
    format!("\n- {} ({}), command `{}`:\n{}", gate.name, ended(&gate.result.ended), gate.result.command, indent(output))
}

/// The run itself did not come to its end.
pub(crate) fn broken_run(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Completed => "The run ended without a change set.".to_owned(),
        RunOutcome::TimedOut => "The run took longer than its time limit and was stopped.".to_owned(),
        RunOutcome::Silent => "The agent gave no sign of life for too long and was stopped.".to_owned(),
        RunOutcome::DiskLimit => {
            "The run filled the disk that it may use and was stopped. Make fewer or smaller build products.".to_owned()
        }
        RunOutcome::BudgetExceeded { limit } => format!("The run's budget is used up: {limit}."),
        RunOutcome::ModelFailed { message } => format!("The model did not answer: {message}"),
        RunOutcome::AgentCrashed { message } => format!("The agent program broke: {message}"),
        RunOutcome::Stopped => "The run was stopped from outside before it ended.".to_owned(),
        RunOutcome::ScopeChangeRequested { .. } => "The agent asked for more files.".to_owned(),
        RunOutcome::SetupFailed { message } => format!("The run could not begin: {message}"),
    }
}

/// What becomes of the changes of an attempt that ended with a request for more files.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kept<'a> {
    /// The next attempt starts from them.
    All,
    /// There were none.
    Nothing,
    /// They broke rules.
    Refused(&'a [Violation]),
}

impl<'a> Kept<'a> {
    pub(crate) fn of(kept: &'a Result<Digest, NotVerified>) -> Self {
        match kept {
            Ok(_) => Self::All,
            Err(NotVerified::Empty) => Self::Nothing,
            Err(NotVerified::Violations(list)) => Self::Refused(list),
        }
    }

    fn say(self, text: &mut String) {
        match self {
            Self::All => push(text, "\nWhat was changed within the approved files is kept."),
            Self::Nothing => {}
            Self::Refused(list) => {
                push(text, "\nThe changes of that attempt were not kept. ");
                push(text, &violations(list));
            }
        }
    }
}

/// People approved files that the agent asked for. Read only after they did.
pub(crate) fn scope_change_approved(added: &[&SpecFile], refused: &[RefusedPath], kept: Kept<'_>) -> String {
    let mut text = "You asked for more files, and people approved these, which the SPEC names now:".to_owned();
    for file in added {
        push(&mut text, &format!("\n- `{}` ({})", file.path, file.action.as_str()));
    }
    if !refused.is_empty() {
        push(&mut text, "\nThese stay out of bounds, and nobody was asked about them:");
        push_refused(&mut text, refused);
    }
    kept.say(&mut text);
    push(&mut text, "\nFinish the work.");
    text
}

/// Nothing in the request can be put before people.
pub(crate) fn scope_change_refused(refused: &[RefusedPath], kept: Kept<'_>) -> String {
    let mut text = "The request for more files was refused, and nobody was asked:".to_owned();
    push_refused(&mut text, refused);
    kept.say(&mut text);
    push(&mut text, "\nSolve the task within the files that the SPEC names, or ask for others by their exact paths.");
    text
}

/// People were asked as often as they may be.
pub(crate) fn no_scope_change_left(paths: &[String], limit: u32, kept: Kept<'_>) -> String {
    let times = if limit == 1 { "once".to_owned() } else { format!("{limit} times") };
    let mut text = match limit {
        0 => "The request for more files was refused: this deployment does not ask people for more files".to_owned(),
        _ => format!("The request for more files was refused: people were asked {times} already, which is the limit"),
    };
    push(&mut text, " (asked for: ");
    let shown = paths.iter().take(MAX_REQUESTED).map(|path| domain::text::one_line(path, 200)).collect::<Vec<_>>();
    push(&mut text, &format!("{}).", shown.join(", ")));
    kept.say(&mut text);
    push(&mut text, "\nSolve the task within the files that the SPEC names; another request will not help.");
    text
}

fn push_refused(text: &mut String, refused: &[RefusedPath]) {
    for RefusedPath { path, reason } in refused {
        push(text, &format!("\n- `{path}`: {reason}"));
    }
}

/// The sandbox ended without a word.
pub(crate) fn no_report(what: &str, error: Option<&StepError>) -> String {
    match error {
        Some(error) => format!("The {what} sandbox ended without a report ({}).", error.error),
        None => format!("The {what} sandbox ended without a report."),
    }
}

fn ended(how: &Ended) -> String {
    match how {
        Ended::Exit { code } => format!("exit code {code}"),
        Ended::Signal { signal } => format!("ended by signal {signal}"),
        Ended::TimedOut => "over its time limit".to_owned(),
        Ended::OutputLimit => "over its output limit".to_owned(),
        Ended::DiskLimit => "filled the disk that it may use".to_owned(),
        Ended::NotStarted { message } => format!("could not be started: {message}"),
    }
}

/// The end of a text: failures stand there.
fn tail(text: &str) -> &str {
    let count = text.chars().count();
    match text.char_indices().nth(count.saturating_sub(MAX_OUTPUT)) {
        Some((at, _)) => &text[at..],
        None => text,
    }
}

fn indent(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn push(text: &mut String, more: &str) {
    // Writing to a String cannot fail.
    text.write_str(more).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::verify::ViolationKind;

    #[test]
    fn violations_are_named_up_to_a_limit() {
        let one = Violation {
            path: "x".to_owned(),
            kind: ViolationKind::PathNotInSpec,
            message: "`x` was changed (modify), but the approved SPEC does not name it".to_owned(),
        };
        insta::assert_snapshot!(violations(std::slice::from_ref(&one)), @r"
        The change was refused because it leaves what the approved SPEC allows:
        - `x` was changed (modify), but the approved SPEC does not name it
        Change only the files that the SPEC names, with the actions that it names.
        ");
        assert!(violations(&vec![one; 40]).contains("and 10 more"));
    }

    #[test]
    fn only_the_end_of_a_long_output_is_kept() {
        let text = format!("{}end", "ü".repeat(MAX_OUTPUT));
        assert!(tail(&text).ends_with("end"));
        assert_eq!(tail(&text).chars().count(), MAX_OUTPUT);
        assert_eq!(tail("short"), "short");
    }
}

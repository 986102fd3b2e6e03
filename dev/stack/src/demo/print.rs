//! What `demo` prints.

use std::time::Duration;

use console::{Color, style};
use domain::spec::FileAction;
use domain::task::{ProgressEvent, RunKind};
use domain::{Timestamp, WorkflowState};
use secrecy::ExposeSecret as _;

use crate::scenario::{DecisionLine, GateName, Happening, Played, RunResult, Scenario};
use crate::stack::Stack;
use crate::ui::say;

/// How much of a sentence stands on one line.
const WIDTH: usize = 100;

/// Says where everything is.
pub(super) fn started(stack: &Stack, took: Duration) {
    say(format_args!("{} in {:.1} s", style("The stack serves").bold(), took.as_secs_f64()));
    say(format_args!("  console    {}/   API token {}", stack.url(), stack.api_token().expose_secret()));
    if let Ok(github) = stack.github() {
        say(format_args!("  GitHub     {}", github.html_base()));
    }
    say(format_args!("  Flux Lens  {}", stack.flux_lens().base_url()));
    say(format_args!("  mail       {}/_ministack/ses/messages", stack.engine().url()));
    say(format_args!("  Slack      {}", stack.slack().channel_url()));
}

/// Prints one scenario as it happens.
pub(super) struct Printer {
    began: Timestamp,
}

impl Printer {
    pub(super) fn begin(scenario: &Scenario) -> Self {
        say("");
        say(format_args!(
            "{} {}  {}",
            style(&scenario.ticket_id).cyan().bold(),
            style(&scenario.ticket.title).bold(),
            style(format_args!("({}, {})", scenario.name, scenario.ticket.repository)).dim()
        ));
        Self { began: Timestamp::now() }
    }

    fn line(&self, at: Timestamp, text: impl std::fmt::Display) {
        let seconds = at.duration_since(self.began).as_secs_f64().max(0.0);
        say(format_args!("{} {text}", style(format_args!("{seconds:7.2} s")).dim()));
    }

    pub(super) fn tell(&mut self, happening: &Happening) {
        let now = Timestamp::now();
        match happening {
            Happening::State(line) => {
                let by = style(format!("by {}", line.by)).dim();
                let reason = line.reason.as_deref().map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
                self.line(line.at, format_args!("{} {by}{reason}", state(line.state)));
            }
            Happening::Asked(gate, ask) => {
                let what = if *gate == GateName::Spec { "the SPEC" } else { "the pull request" };
                let link = ask.link.as_deref().unwrap_or("no link");
                self.line(now, format_args!("  a person is asked about {what}: {}", style(link).underlined()));
            }
            Happening::Decided(line) => self.line(now, format_args!("  {}", decided(line))),
            Happening::PullRequest(url) => self.line(now, format_args!("  pull request: {}", style(url).underlined())),
            Happening::Progress(line) => {
                if let Some(text) = progress(line.run, &line.event) {
                    self.line(line.at, style(format_args!("  {text}")).dim());
                }
            }
        }
    }

    pub(super) fn end(played: &Played) {
        let result = &played.result;
        for change in &result.changes {
            let (mark, color) = match change.action {
                FileAction::Create => ("+", Color::Green),
                FileAction::Modify => ("~", Color::Yellow),
                FileAction::Delete => ("-", Color::Red),
            };
            say(format_args!("            {} {}", style(mark).fg(color).bold(), change.path));
        }
        for violation in &result.violations {
            say(format_args!("            {} {}: {}", style("✗").red(), violation.path, violation.message));
        }
        if let Some(qa) = &result.qa {
            let gates: Vec<_> = qa.gates.iter().map(|g| format!("{} {}", mark(g.passed), g.name)).collect();
            say(format_args!("            QA {}: {}", if qa.passed { "passed" } else { "failed" }, gates.join("  ")));
        }
        if let Some(pr) = &result.pr {
            say(format_args!("            PR #{} {}: {}", pr.number, pr.state, pr.url));
        }
        say(format_args!(
            "            ticket {}, {} comments; {}",
            result.ticket.status,
            result.ticket.comments.len(),
            cost(result)
        ));
        for line in &result.slack {
            say(format_args!("            {} {line}", style("Slack").dim()));
        }
        say(format_args!("            {}", times(result)));
        if played.differences.is_empty() {
            say(format_args!("            {} everything is as expected", style("✓").green().bold()));
        }
        for difference in &played.differences {
            say(format_args!("            {} {difference}", style("✗").red().bold()));
        }
    }
}

fn mark(passed: bool) -> console::StyledObject<&'static str> {
    if passed { style("✓").green() } else { style("✗").red() }
}

fn state(state: WorkflowState) -> console::StyledObject<&'static str> {
    let shown = style(state.as_str()).bold();
    match state {
        WorkflowState::Completed | WorkflowState::Merged => shown.green(),
        state if state.is_waiting_for_person() => shown.yellow(),
        state if state.is_terminal() => shown.red(),
        _ => shown.cyan(),
    }
}

fn decided(line: &DecisionLine) -> String {
    let comment = line.comment.as_deref().map(|comment| format!(": {}", one_line(comment))).unwrap_or_default();
    format!("decided {:?} via {:?}{comment}", line.decision, line.via)
}

fn progress(run: RunKind, event: &ProgressEvent) -> Option<String> {
    let text = match event {
        ProgressEvent::Tool { name, summary, failed: None } => format!("{name} {}", one_line(summary)),
        ProgressEvent::Tool { name, summary, failed: Some(true) } => format!("{name} failed: {}", one_line(summary)),
        ProgressEvent::Message { text } => format!("says: {}", one_line(text)),
        ProgressEvent::Gate { name, passed: Some(passed), .. } => {
            format!("gate {name} {}", if *passed { "passed" } else { "failed" })
        }
        _ => return None,
    };
    Some(format!("{}: {text}", run.as_str()))
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= WIDTH {
        return text;
    }
    let mut short: String = text.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}

fn cost(result: &RunResult) -> String {
    let usage = &result.usage;
    format!(
        "{} model calls, {} + {} tokens, ${:.4}",
        usage.model_calls, usage.input_tokens, usage.output_tokens, usage.usd
    )
}

fn times(result: &RunResult) -> String {
    let times = &result.durations_ms;
    let parts = [
        ("total", times.total),
        ("planning", times.planning),
        ("agent", times.agent),
        ("QA", times.qa),
        ("publish", times.publish),
        ("waiting", times.waiting),
        ("overhead", times.overhead),
    ];
    parts.map(|(name, ms)| format!("{name} {}", seconds(ms))).join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "a display figure")]
fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}

/// The summary at the end.
pub(super) fn table(played: &[Played]) {
    say("");
    say(style(format_args!(
        "  {:<26} {:<14} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "scenario", "state", "attempts", "total", "planning", "agent", "QA", "USD"
    ))
    .bold());
    for played in played {
        let (result, times) = (&played.result, &played.result.durations_ms);
        say(format_args!(
            "{} {:<26} {:<14} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9.4}",
            mark(played.differences.is_empty()),
            result.scenario,
            result.state.as_str(),
            result.attempts,
            seconds(times.total),
            seconds(times.planning),
            seconds(times.agent),
            seconds(times.qa),
            result.usage.usd
        ));
    }
    let bad = played.iter().filter(|played| !played.differences.is_empty()).count();
    if bad > 0 {
        say(format_args!("{bad} of {} did not end as expected", played.len()));
    }
}

//! One run of Pi: prompt, watch, end.

use std::future::pending;
use std::time::Duration;

use domain::task::{ProgressEvent, RunOutcome};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::rpc::{AssistantMessage, Command, Record, ToolEnd, ToolStart};
use crate::process::Tree;
use crate::progress::{Progress, shorten};
use crate::proxy::{Meter, MeterState};

/// The command that our extension registers, so that its absence is noticed.
const HANDSHAKE_COMMAND: &str = "pi-tickets-scope";
/// The tool by which the agent asks for files.
const REQUEST_TOOL: &str = "request_files";
/// How long Pi may take to start.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long Pi may take to end in order.
const END_GRACE: Duration = Duration::from_secs(3);

/// When a run is ended from outside.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Longest time without a record.
    pub silence: Duration,
    /// The end of the whole run.
    pub deadline: Instant,
    /// Somebody told the program to stop.
    pub stop: CancellationToken,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// How.
    pub outcome: RunOutcome,
    /// The agent's last words.
    pub summary: Option<String>,
}

/// Runs Pi on `message` until it has settled or is ended. Afterwards no process of the tree is left.
///
/// # Errors
/// A process of the tree survived SIGKILL. Everything else is an outcome.
pub async fn run(
    mut tree: Tree,
    message: String,
    watch: &Watch,
    meter: &Meter,
    progress: &Progress,
) -> std::io::Result<SessionEnd> {
    let (Some(stdin), Some(stdout), Some(stderr)) = tree.take_pipes() else {
        tree.kill().await?;
        return Ok(crashed("it was started without pipes"));
    };
    let mut session = Session {
        link: Link::new(stdin, stdout, stderr),
        progress,
        last: None,
        summary: None,
        tools: Vec::new(),
        requested: Vec::new(),
    };
    let outcome = session.drive(message, watch, meter).await;
    session.link.close();
    if matches!(outcome, RunOutcome::Completed | RunOutcome::ScopeChangeRequested { .. }) {
        // In order: Pi writes its session file to the end.
        drop(timeout(END_GRACE, tree.wait()).await);
    }
    tree.stop(END_GRACE).await?;
    let outcome = session.explain(outcome, meter);
    Ok(SessionEnd { outcome, summary: session.summary })
}

fn crashed(message: &str) -> SessionEnd {
    SessionEnd { outcome: RunOutcome::AgentCrashed { message: message.to_owned() }, summary: None }
}

struct Session<'a> {
    link: Link,
    progress: &'a Progress,
    last: Option<AssistantMessage>,
    summary: Option<String>,
    /// Calls that run: id and short form of the input.
    tools: Vec<(String, String)>,
    requested: Vec<(String, String)>,
}

impl Session<'_> {
    async fn drive(&mut self, message: String, watch: &Watch, meter: &Meter) -> RunOutcome {
        let start = tokio::select! {
            started = timeout(START_LIMIT, self.start(message)) => started,
            () = watch.stop.cancelled() => return RunOutcome::Stopped,
            () = sleep_until(watch.deadline) => return RunOutcome::TimedOut,
        };
        match start {
            Ok(Ok(())) => {}
            Ok(Err(message)) => return RunOutcome::AgentCrashed { message },
            Err(_) => return RunOutcome::AgentCrashed { message: "it did not start within a minute".to_owned() },
        }
        let mut meter = meter.subscribe();
        let mut turns = meter.borrow().usage.turns;
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = watch.stop.cancelled() => return self.abort(RunOutcome::Stopped).await,
                () = sleep_until(watch.deadline) => return self.abort(RunOutcome::TimedOut).await,
                limit = cut_off(&mut meter, &mut turns, self.progress) => {
                    return self.abort(RunOutcome::BudgetExceeded { limit }).await;
                }
                record = self.link.next() => {
                    heard = Instant::now();
                    match record {
                        Some(Record::Settled) => return RunOutcome::Completed,
                        Some(record) => self.take(record),
                        None => return RunOutcome::AgentCrashed { message: self.obituary() },
                    }
                }
                () = sleep_until(heard + watch.silence) => return RunOutcome::Silent,
            }
        }
    }

    /// Checks that our extension is there, then prompts.
    async fn start(&mut self, message: String) -> Result<(), String> {
        let commands = self.ask(&Command::GetCommands).await?;
        let names =
            commands["commands"].as_array().into_iter().flatten().filter_map(|command| command["name"].as_str());
        if !names.into_iter().any(|name| name == HANDSHAKE_COMMAND) {
            return Err(format!("the extension that guards the SPEC's files did not load. {}", self.obituary()));
        }
        self.ask(&Command::Prompt { message }).await.map(drop)
    }

    /// Sends a command and waits for its answer; other records are taken in.
    async fn ask(&mut self, command: &Command) -> Result<Value, String> {
        let sent = self.link.send(command).await;
        let id = sent.map_err(|error| format!("its input is closed ({error}). {}", self.obituary()))?;
        loop {
            match self.link.next().await {
                Some(Record::Response(response)) if response.id.as_deref() == Some(&id) => {
                    return match response {
                        response if response.success => Ok(response.data),
                        response => Err(response.error.unwrap_or_else(|| "a command was refused".to_owned())),
                    };
                }
                Some(record) => self.take(record),
                None => return Err(self.obituary()),
            }
        }
    }

    /// Asks Pi to stop, so that its session file has an end, and gives it a moment.
    async fn abort(&mut self, outcome: RunOutcome) -> RunOutcome {
        let orderly = async {
            self.link.send(&Command::Abort).await?;
            while let Some(record) = self.link.next().await {
                if record == Record::Settled {
                    break;
                }
                self.take(record);
            }
            std::io::Result::Ok(())
        };
        if !matches!(timeout(END_GRACE, orderly).await, Ok(Ok(()))) {
            tracing::info!("Pi did not stop when asked and is killed");
        }
        outcome
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::AssistantMessage(message) => {
                if !message.text.trim().is_empty() {
                    self.progress.emit(ProgressEvent::Message { text: message.text.clone() });
                    self.summary = Some(shorten(message.text.trim(), 4_096));
                }
                self.last = Some(message);
            }
            Record::ToolStart(start) => {
                let summary = tool_summary(&start);
                self.note_request(&start);
                self.emit_tool(&start.tool_name, &summary, None);
                self.tools.push((start.tool_call_id, summary));
            }
            Record::ToolEnd(ToolEnd { tool_call_id, tool_name, is_error, .. }) => {
                let position = self.tools.iter().position(|(id, _)| *id == tool_call_id);
                let summary = position.map(|index| self.tools.swap_remove(index).1).unwrap_or_default();
                self.emit_tool(&tool_name, &summary, Some(is_error));
            }
            Record::RetryScheduled { attempt, error } => {
                tracing::warn!(attempt, error = shorten(&error, 200), "Pi asks the model again");
            }
            Record::ExtensionError(error) => tracing::error!(error = shorten(&error, 500), "the extension failed"),
            Record::Response(_) | Record::TurnStart | Record::TextDelta(_) | Record::CompactionStart => {}
            Record::Settled | Record::Other(_) => {}
        }
    }

    fn emit_tool(&self, name: &str, summary: &str, failed: Option<bool>) {
        self.progress.emit(ProgressEvent::Tool { name: name.to_owned(), summary: summary.to_owned(), failed });
    }

    fn note_request(&mut self, start: &ToolStart) {
        if start.tool_name == REQUEST_TOOL {
            let files = start.args["files"].as_array().into_iter().flatten();
            let text = |file: &Value, name: &str| file[name].as_str().unwrap_or_default().to_owned();
            self.requested.extend(files.map(|file| (text(file, "path"), text(file, "reason"))));
        }
    }

    fn obituary(&self) -> String {
        match self.link.complaints() {
            complaints if complaints.is_empty() => "Pi ended by itself and said nothing.".to_owned(),
            complaints => format!("Pi ended by itself. Its last words: {complaints}"),
        }
    }

    /// What a settled run means.
    fn explain(&self, outcome: RunOutcome, meter: &Meter) -> RunOutcome {
        if outcome != RunOutcome::Completed {
            return outcome;
        }
        let MeterState { cut_off, failure, .. } = meter.state();
        match &self.last {
            _ if cut_off.is_some() => RunOutcome::BudgetExceeded { limit: cut_off.unwrap_or_default() },
            Some(last) if last.stop_reason == "error" => {
                let message = failure.or_else(|| last.error.clone());
                RunOutcome::ModelFailed { message: message.unwrap_or_else(|| "the model call failed".to_owned()) }
            }
            None => {
                RunOutcome::ModelFailed { message: failure.unwrap_or_else(|| "the model never answered".to_owned()) }
            }
            _ if !self.requested.is_empty() => RunOutcome::ScopeChangeRequested {
                paths: self.requested.iter().map(|(path, _)| path.clone()).collect(),
                reason: self
                    .requested
                    .iter()
                    .map(|(path, why)| format!("{path}: {why}"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            },
            Some(_) => RunOutcome::Completed,
        }
    }
}

/// Reports each model call; ready when the budget is reached.
async fn cut_off(meter: &mut watch::Receiver<MeterState>, turns: &mut u64, progress: &Progress) -> String {
    loop {
        let MeterState { usage, cut_off, .. } = meter.borrow_and_update().clone();
        if usage.turns > *turns {
            *turns = usage.turns;
            progress.emit(ProgressEvent::ModelCall { usage });
        }
        if let Some(limit) = cut_off {
            return limit;
        }
        if meter.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

/// A tool's input in one line: its path or its command.
fn tool_summary(start: &ToolStart) -> String {
    let text = |name: &str| start.args[name].as_str();
    let summary = text("path").or_else(|| text("command")).map(str::to_owned);
    summary.unwrap_or_else(|| start.args.to_string()).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

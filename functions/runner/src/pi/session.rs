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
use crate::disk::DiskWatch;
use crate::process::Tree;
use crate::progress::{Progress, shorten};
use crate::proxy::{Meter, MeterState};

/// The command that our extension registers, so that its absence is noticed.
const HANDSHAKE_COMMAND: &str = "pi-tickets-scope";
/// The tool by which the agent asks for more files. It ends the run.
const REQUEST_TOOL: &str = "request_scope_change";
/// How long Pi may take to start.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long Pi may take to end in order.
const END_GRACE: Duration = Duration::from_secs(3);

/// When a run is ended from outside.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Longest time without a record.
    pub silence: Duration,
    /// Watches the run's disk.
    pub disk: DiskWatch,
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
        asking: Vec::new(),
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
    /// Requests for more files that run.
    asking: Vec<(String, ScopeRequest)>,
    /// Requests that the extension has taken.
    requested: Vec<ScopeRequest>,
}

/// What the agent wants. Nothing in it is checked.
struct ScopeRequest {
    paths: Vec<String>,
    reason: String,
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
        let short = watch.disk.short();
        tokio::pin!(short);
        loop {
            tokio::select! {
                biased;
                () = watch.stop.cancelled() => return self.abort(RunOutcome::Stopped).await,
                () = sleep_until(watch.deadline) => return self.abort(RunOutcome::TimedOut).await,
                () = &mut short => return RunOutcome::DiskLimit,
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
                    // Pi ends by itself after the request, unless the model called something else at the same time.
                    if !self.requested.is_empty() && self.tools.is_empty() {
                        return self.abort(RunOutcome::Completed).await;
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
                self.asking.extend(scope_request(&start).map(|request| (start.tool_call_id.clone(), request)));
                self.emit_tool(&start.tool_name, &summary, None);
                self.tools.push((start.tool_call_id, summary));
            }
            Record::ToolEnd(ToolEnd { tool_call_id, tool_name, is_error, .. }) => {
                let position = self.tools.iter().position(|(id, _)| *id == tool_call_id);
                let summary = position.map(|index| self.tools.swap_remove(index).1).unwrap_or_default();
                let asked = self.asking.iter().position(|(id, _)| *id == tool_call_id);
                let asked = asked.map(|index| self.asking.swap_remove(index).1);
                self.requested.extend(asked.filter(|_| !is_error));
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
            _ if !self.requested.is_empty() => RunOutcome::ScopeChangeRequested {
                paths: self.requested.iter().flat_map(|request| request.paths.clone()).collect(),
                reason: self.requested.iter().map(|request| request.reason.as_str()).collect::<Vec<_>>().join("\n"),
            },
            Some(last) if last.stop_reason == "error" => {
                let message = failure.or_else(|| last.error.clone());
                RunOutcome::ModelFailed { message: message.unwrap_or_else(|| "the model call failed".to_owned()) }
            }
            None => {
                RunOutcome::ModelFailed { message: failure.unwrap_or_else(|| "the model never answered".to_owned()) }
            }
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

/// What a call of [`REQUEST_TOOL`] asks for.
fn scope_request(start: &ToolStart) -> Option<ScopeRequest> {
    let paths = start.args["paths"].as_array().into_iter().flatten();
    let reason = start.args["reason"].as_str().unwrap_or_default().to_owned();
    (start.tool_name == REQUEST_TOOL)
        .then(|| ScopeRequest { paths: paths.filter_map(Value::as_str).map(str::to_owned).collect(), reason })
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

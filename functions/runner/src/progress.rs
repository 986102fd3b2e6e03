//! The run's progress, as JSON lines on standard output.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::ids::{Attempt, WorkflowId};
use domain::task::{ProgressEvent, ProgressLine, ProgressTag, RunKind, RunOutcome};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval_at};

/// Time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest text in a line, in bytes.
const MAX_TEXT_BYTES: usize = 2_048;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where lines go.
pub type Sink = Box<dyn Write + Send>;

/// Writes one run's lines. Clones count together.
#[derive(Clone)]
pub struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    workflow_id: WorkflowId,
    attempt: Attempt,
    run: RunKind,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    seq: u64,
    sink: Sink,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("run", &self.shared.run).finish_non_exhaustive()
    }
}

impl Progress {
    /// For one run.
    pub fn new(workflow_id: WorkflowId, attempt: Attempt, run: RunKind, clock: Clock, sink: Sink) -> Self {
        let state = Mutex::new(State { seq: 0, sink });
        Self { shared: Arc::new(Shared { workflow_id, attempt, run, clock, state }) }
    }

    /// Writes one line. A reader that went away does not stop the run.
    pub fn emit(&self, event: ProgressEvent) {
        let shared = &self.shared;
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seq += 1;
        let line = ProgressLine {
            pi_tickets: ProgressTag::Progress,
            workflow_id: shared.workflow_id.clone(),
            attempt: shared.attempt,
            run: shared.run,
            seq: state.seq,
            at: (shared.clock)(),
            event: shortened(event),
        };
        let written = serde_json::to_vec(&line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            state.sink.write_all(&line)?;
            state.sink.flush()
        });
        if let Err(error) = written {
            tracing::debug!(%error, "a progress line could not be written");
        }
    }

    /// Writes signs of life until the guard is dropped.
    pub fn heartbeat(&self) -> Heartbeat {
        let progress = self.clone();
        let task = tokio::spawn(async move {
            let mut ticks = interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                progress.emit(ProgressEvent::Heartbeat);
            }
        });
        Heartbeat(task)
    }
}

/// Stops the signs of life when it is dropped.
#[derive(Debug)]
pub struct Heartbeat(JoinHandle<()>);

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn shortened(event: ProgressEvent) -> ProgressEvent {
    match event {
        ProgressEvent::Message { text } => ProgressEvent::Message { text: shorten(&text, MAX_TEXT_BYTES) },
        ProgressEvent::Tool { name, summary, failed } => {
            ProgressEvent::Tool { name: shorten(&name, 100), summary: shorten(&summary, MAX_TEXT_BYTES), failed }
        }
        ProgressEvent::Ended { outcome } => ProgressEvent::Ended { outcome: shortened_outcome(outcome) },
        other => other,
    }
}

/// An outcome whose texts are at most 2 KiB each.
pub fn shortened_outcome(outcome: RunOutcome) -> RunOutcome {
    let cut = |text: String| shorten(&text, MAX_TEXT_BYTES);
    match outcome {
        RunOutcome::ModelFailed { message } => RunOutcome::ModelFailed { message: cut(message) },
        RunOutcome::AgentCrashed { message } => RunOutcome::AgentCrashed { message: cut(message) },
        RunOutcome::SetupFailed { message } => RunOutcome::SetupFailed { message: cut(message) },
        RunOutcome::ScopeChangeRequested { paths, reason } => RunOutcome::ScopeChangeRequested {
            paths: paths.iter().take(20).map(|path| shorten(path, 1_024)).collect(),
            reason: cut(reason),
        },
        other => other,
    }
}

/// At most `limit` bytes of a text, cut between characters, with a mark where something is missing.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(limit.saturating_sub('…'.len_utf8()))])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use domain::ids::{Generation, TicketKey};

    /// A sink that tests can read.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        pub(crate) fn events(&self) -> Vec<ProgressEvent> {
            let bytes = self.0.lock().unwrap().clone();
            let lines = String::from_utf8(bytes).unwrap();
            lines.lines().map(|line| serde_json::from_str::<ProgressLine>(line).unwrap().event).collect()
        }
    }

    pub(crate) fn progress(run: RunKind) -> (Progress, Lines) {
        let lines = Lines::default();
        let workflow = WorkflowId::derive(&TicketKey::flux_lens("FL-1"), Generation::FIRST);
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        (Progress::new(workflow, Attempt::FIRST, run, clock, Box::new(lines.clone())), lines)
    }

    #[test]
    fn lines_are_numbered_and_short() {
        let (progress, lines) = progress(RunKind::Agent);
        progress.emit(ProgressEvent::Message { text: "ü".repeat(3_000) });
        progress.emit(ProgressEvent::Heartbeat);
        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let parsed: Vec<ProgressLine> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(parsed.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2]);
        let ProgressEvent::Message { text } = &parsed[0].event else { panic!("not a message") };
        assert!(text.len() <= MAX_TEXT_BYTES && text.ends_with('…'));
        insta::assert_snapshot!(text_of(&parsed[1]), @r#"{"pi_tickets":"progress","workflow_id":"wf-08bfff698e68d607c8fe-1","attempt":1,"run":"agent","seq":2,"at":"1970-01-01T00:00:00Z","event":{"kind":"heartbeat"}}"#);
    }

    fn text_of(line: &ProgressLine) -> String {
        serde_json::to_string(line).unwrap()
    }
}

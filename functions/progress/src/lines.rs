//! Lines of progress among log events.

use aws_lambda_events::event::cloudwatch_logs::LogsEvent;
use domain::task::ProgressLine;
use serde_json::Value;

/// Longest line that is read, bytes. The runner's are far shorter.
const MAX_LINE_BYTES: usize = 32 * 1024;
/// What every line of progress contains, looked for before anything is parsed.
const MARK: &str = "\"pi_tickets\"";

/// The lines of progress in a batch, in its order. Total: what is none is left out.
pub fn progress_lines(event: Value) -> Vec<ProgressLine> {
    // The envelope's own reader borrows from its input, which a value cannot lend.
    let event: LogsEvent = match serde_json::from_str(&event.to_string()) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(%error, "the event is not a batch of log events");
            return Vec::new();
        }
    };
    event.aws_logs.data.log_events.iter().filter_map(|entry| line(&entry.message)).collect()
}

fn line(message: &str) -> Option<ProgressLine> {
    let text = message.trim();
    if !text.starts_with('{') || !text.contains(MARK) {
        return None;
    }
    if text.len() > MAX_LINE_BYTES {
        tracing::warn!(bytes = text.len(), "a line of progress is too long to be kept");
        return None;
    }
    match serde_json::from_str(text) {
        Ok(line) => Some(line),
        Err(error) => {
            tracing::warn!(%error, "a log line looks like progress and is not");
            None
        }
    }
}

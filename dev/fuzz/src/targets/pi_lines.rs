//! Pi's records. Input: the most bytes that a line may have, the size of the reader's buffer, and what Pi wrote.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use tokio::io::BufReader;

use crate::lines::{BoundedLines, Line};
use crate::rpc::{Record, decode};

/// Compares reading in pieces with splitting in memory, and what is decoded with plain JSON.
pub fn run(input: &[u8]) {
    let [limit, buffer, text @ ..] = input else { return };
    let limit = usize::from(*limit) * 8;
    let found = read(text, limit, usize::from(*buffer) + 1);
    assert_eq!(found, split(text, limit));
    for line in &found {
        if let Line::Text(line) = line {
            record(line);
        }
    }
}

/// The reader is always ready, so that its future is too.
fn read(text: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
    let mut lines = BoundedLines::new(BufReader::with_capacity(buffer, text), limit);
    let mut found = Vec::new();
    loop {
        let next = pin!(lines.next()).poll(&mut Context::from_waker(Waker::noop()));
        match next {
            Poll::Ready(Ok(Some(line))) => found.push(line),
            Poll::Ready(Ok(None)) => return found,
            Poll::Ready(Err(error)) => panic!("reading from memory failed: {error}"),
            Poll::Pending => panic!("reading from memory waits"),
        }
    }
}

fn split(text: &[u8], limit: usize) -> Vec<Line> {
    let mut pieces: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if pieces.last().is_some_and(|last| last.is_empty()) {
        pieces.pop();
    }
    let line = |piece: &[u8]| {
        if piece.len() > limit {
            return Line::TooLong { bytes: piece.len() as u64 };
        }
        Line::Text(piece.strip_suffix(b"\r").unwrap_or(piece).to_vec())
    };
    pieces.into_iter().map(line).collect()
}

/// Whether a record is one of what Pi calls `kind`.
fn is_of(record: &Record, kind: &str) -> bool {
    match record {
        Record::Response(_) => kind == "response",
        Record::TurnStart => kind == "turn_start",
        Record::TextDelta(_) => kind == "message_update",
        Record::AssistantMessage(_) => kind == "message_end",
        Record::ToolStart(_) => kind == "tool_execution_start",
        Record::ToolEnd(_) => kind == "tool_execution_end",
        Record::RetryScheduled { .. } => kind == "auto_retry_start",
        Record::CompactionStart => kind == "compaction_start",
        Record::Settled => kind == "agent_settled",
        Record::ExtensionError(_) => kind == "extension_error",
        Record::Other(found) => found == kind,
    }
}

fn record(line: &[u8]) {
    let decoded = decode(line);
    let value: Option<Value> = serde_json::from_slice(line).ok();
    let kind = value.as_ref().and_then(|value| value.get("type")?.as_str());
    match (&decoded, kind) {
        (Ok(record), Some(kind)) => assert!(is_of(record, kind), "{kind} became {record:?}"),
        // What is JSON to one reader only: a number beyond all bounds in a field that nobody reads, for one.
        (Ok(_), None) => assert!(value.is_none(), "a record without a `type`: {value:?} became {decoded:?}"),
        // A name that stands twice, or is written otherwise, may be refused.
        (Err(error), Some(_)) => {
            let text = String::from_utf8_lossy(line);
            assert!(text.contains("\\u") || text.matches("\"type\"").count() != 1, "refused: {text}: {error}");
        }
        _ => {}
    }
}

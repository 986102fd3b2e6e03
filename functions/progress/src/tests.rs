use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;

use base64::Engine as _;
use domain::failure::FailureKind;
use domain::ids::{Attempt, Generation, TicketKey, WorkflowId};
use domain::task::{ProgressEvent, ProgressTag, RunKind};
use serde_json::json;

use super::*;

/// Keeps lines by their number, as the table does.
#[derive(Default)]
struct Memory {
    lines: Mutex<BTreeMap<u64, ProgressLine>>,
    fault: Mutex<Option<FailureKind>>,
}

impl Log for Memory {
    async fn append(&self, line: ProgressLine) -> Result<(), Failure> {
        if let Some(kind) = self.fault.lock().unwrap().take() {
            return Err(Failure::new(kind, "ordered"));
        }
        self.lines.lock().unwrap().insert(line.seq, line);
        Ok(())
    }
}

fn line(seq: u64) -> ProgressLine {
    ProgressLine {
        pi_tickets: ProgressTag::Progress,
        workflow_id: WorkflowId::derive(&TicketKey::flux_lens("1"), Generation::FIRST),
        attempt: Attempt::FIRST,
        run: RunKind::Agent,
        seq,
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
        event: ProgressEvent::Message { text: "Now the tests. äöü".to_owned() },
    }
}

fn envelope(data: &[u8]) -> Value {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(data).unwrap();
    json!({"awslogs": {"data": base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap())}})
}

fn batch(messages: &[&str]) -> Value {
    let events: Vec<_> =
        messages.iter().map(|message| json!({"id": "1", "timestamp": 1, "message": message})).collect();
    let data = json!({
        "owner": "1", "logGroup": "g", "logStream": "agent/runner/1", "subscriptionFilters": ["all"],
        "messageType": "DATA_MESSAGE", "logEvents": events,
    });
    envelope(data.to_string().as_bytes())
}

#[tokio::test]
async fn lines_of_progress_are_kept_once_and_others_are_not() {
    let (one, two) = (serde_json::to_string(&line(1)).unwrap(), serde_json::to_string(&line(2)).unwrap());
    let other = two.replace("\"progress\"", "\"other\"");
    let long = two.replace("Now", &"x".repeat(64 * 1024));
    let messages = [one.as_str(), "npm warn", "{}", "{\"pi_tickets\"", &other, &long, &format!("  {two}\r\n")];
    let log = Memory::default();
    for _ in 0..2 {
        assert_eq!(record(&log, batch(&messages)).await.unwrap(), Recorded { lines: 2 });
    }
    assert_eq!(log.lines.lock().unwrap().values().cloned().collect::<Vec<_>>(), [line(1), line(2)]);
}

#[tokio::test]
async fn nothing_in_a_batch_fails_it() {
    let log = Memory::default();
    let strange = [
        json!(null),
        json!({}),
        json!({"awslogs": {"data": "?"}}),
        json!({"awslogs": {"data": "aGVsbG8="}}),
        envelope(b"no json"),
        batch(&["", "\u{0}", "{\"pi_tickets\":\"progress\",\"seq\":-1}"]),
    ];
    for event in strange {
        assert_eq!(record(&log, event).await.unwrap(), Recorded::default());
    }
}

#[tokio::test]
async fn a_batch_comes_again_only_when_that_may_help() {
    let text = serde_json::to_string(&line(1)).unwrap();
    let log = Memory::default();
    *log.fault.lock().unwrap() = Some(FailureKind::Transient);
    assert_eq!(record(&log, batch(&[&text])).await.unwrap_err().0.kind, FailureKind::Transient);
    *log.fault.lock().unwrap() = Some(FailureKind::Internal);
    assert_eq!(record(&log, batch(&[&text])).await.unwrap(), Recorded::default());
    assert_eq!(record(&log, batch(&[&text])).await.unwrap(), Recorded { lines: 1 });
}

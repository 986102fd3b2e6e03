//! Trails as JSON Lines: to be kept elsewhere, searched, or checked without any access.
//!
//! A workflow begins with a line that names its head and its anchors; one line for each entry follows. What could not
//! be read is there too, so that a broken trail stays evidence. A file proves as much as the anchors in it do: whoever
//! could write all of the file could write those.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::AuditHead;
use super::anchor::StoredAnchor;
use super::stored::StoredEntry;
use super::trail::{Evidence, Trail};
use crate::ids::WorkflowId;

/// Media type of such a file.
pub const MEDIA_TYPE: &str = "application/jsonl";

/// The first line of a workflow.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    workflow_id: WorkflowId,
    head: Option<AuditHead>,
    anchors: Vec<StoredAnchor>,
    exported_at: Timestamp,
}

/// A file that is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not the beginning of an exported audit trail: {reason}")]
pub struct NotExported {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Evidence {
    /// The lines of an export, each with its end.
    pub fn to_lines(&self) -> String {
        let Trail { workflow_id, entries, head } = &self.trail;
        let header = json!({
            "workflow_id": workflow_id, "head": head, "anchors": self.anchors, "exported_at": self.at,
        });
        let entries = entries.iter().map(|stored| match stored.fields() {
            Ok(fields) => json!({ "place": stored.place(), "entry": fields }),
            Err(reason) => json!({ "place": stored.place(), "unreadable": reason }),
        });
        std::iter::once(header).chain(entries).flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
    }
}

/// Reads a file. Only its first line has to be in order: any other that is not is an entry that cannot be read, so that
/// damage is found where it is.
///
/// # Errors
/// [`NotExported`].
pub fn read(bytes: &[u8]) -> Result<Vec<Evidence>, NotExported> {
    let mut all: Vec<Evidence> = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match (serde_json::from_slice::<Header>(line), all.last_mut()) {
            (Ok(Header { workflow_id, head, anchors, exported_at }), _) => {
                all.push(Evidence { trail: Trail { workflow_id, entries: vec![], head }, anchors, at: exported_at });
            }
            (Err(_), Some(current)) => current.trail.entries.push(entry(line)),
            (Err(error), None) => return Err(NotExported { line: number, reason: error.to_string() }),
        }
    }
    Ok(all)
}

fn entry(line: &[u8]) -> StoredEntry {
    let mut fields = match serde_json::from_slice::<Value>(line) {
        Ok(fields) => fields,
        Err(error) => return StoredEntry::unreadable(None, error.to_string()),
    };
    let place = fields.get("place").and_then(Value::as_u64);
    match (fields.get_mut("entry").map(Value::take), fields.get("unreadable").and_then(Value::as_str)) {
        (Some(fields), _) => StoredEntry::new(place, fields),
        (None, Some(reason)) => StoredEntry::unreadable(place, reason),
        (None, None) => StoredEntry::unreadable(place, "the line has no field `entry`"),
    }
}

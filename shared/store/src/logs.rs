//! Progress of the sandboxes, line by line, for a while.

use domain::Timestamp;
use domain::ids::{Attempt, WorkflowId};
use domain::task::{ProgressEvent, ProgressLine, RunKind};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, n, s};
use crate::workflows::Store;

/// How long lines are kept, seconds: 90 days.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Longest position, bytes: more than any that is given out.
const MAX_POSITION: usize = 100;

/// One stored line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Which attempt.
    pub attempt: Attempt,
    /// Which sandbox.
    pub run: RunKind,
    /// Its number within the run.
    pub seq: u64,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// What happened.
    pub event: ProgressEvent,
}

impl LogLine {
    /// Where the line stands among the workflow's lines: what `after` of [`Store::logs`] takes.
    pub fn position(&self) -> String {
        keys::log(self.attempt.get(), self.run.as_str(), self.seq)
    }
}

impl Store {
    /// Keeps a line. Writing it again changes nothing.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn append_log(&self, line: ProgressLine) -> Result<(), StoreError> {
        let pk = keys::workflow(&line.workflow_id);
        let kept_until = line.at.as_second() + KEPT_SECONDS;
        let line = LogLine { attempt: line.attempt, run: line.run, seq: line.seq, at: line.at, event: line.event };
        let mut item = row::item(pk, line.position(), &line)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(kept_until));
        self.client
            .put_item()
            .table_name(&self.state)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| StoreError::service("keeping a log line", error))?;
        Ok(())
    }

    /// Lines after a position, in order, at most `limit`. What cannot be a position counts as the beginning.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn logs(&self, id: &WorkflowId, after: Option<&str>, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        let start = after.filter(|text| is_position(text)).unwrap_or(keys::LOG_PREFIX);
        let page = self
            .client
            .query()
            .table_name(&self.state)
            .key_condition_expression("pk = :pk AND sk BETWEEN :after AND :end")
            .expression_attribute_values(":pk", s(keys::workflow(id)))
            .expression_attribute_values(":after", s(format!("{start}\u{1}")))
            .expression_attribute_values(":end", s(format!("{}\u{7f}", keys::LOG_PREFIX)))
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::service("reading log lines", error))?;
        let items: Vec<Item> = page.items.unwrap_or_default();
        items.into_iter().map(row::value).collect()
    }

    /// The last lines, in order, at most `limit`.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn last_logs(&self, id: &WorkflowId, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.state)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(keys::workflow(id)))
            .expression_attribute_values(":prefix", s(keys::LOG_PREFIX))
            .scan_index_forward(false)
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::service("reading log lines", error))?;
        let items: Vec<Item> = page.items.unwrap_or_default();
        items.into_iter().rev().map(row::value).collect()
    }
}

/// Whether a text that came from outside can be compared with our keys: DynamoDB refuses one that is too long, or that
/// sorts after all of them.
fn is_position(text: &str) -> bool {
    text.len() <= MAX_POSITION && text.starts_with(keys::LOG_PREFIX) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

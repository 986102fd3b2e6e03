//! From the sandboxes' logs to rows that pages can show.
//!
//! The runner writes a [`ProgressLine`] as JSON for everything that happens, among whatever else stands in the log.
//! This function keeps those lines and passes over the rest. Keeping a line twice changes nothing, so a batch may
//! come again. Nothing in a batch can fail it; only storage that does not answer does, and then the batch comes again.

mod lines;

use std::future::Future;

use domain::failure::Failure;
use domain::task::ProgressLine;
use futures::{StreamExt as _, stream};
use runtime::StepFailure;
use runtime::env::{self, ConfigError};
use serde::Serialize;
use serde_json::Value;
use store::Store;

pub use lines::progress_lines;

/// How many lines are written at once.
const PARALLEL: usize = 8;

/// Configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `STATE_TABLE`.
    pub state_table: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { state_table: env::required("STATE_TABLE")? })
    }
}

/// Where lines are kept.
pub trait Log: Sync {
    /// Keeps a line; again changes nothing.
    fn append(&self, line: ProgressLine) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl Log for Store {
    async fn append(&self, line: ProgressLine) -> Result<(), Failure> {
        Ok(self.append_log(line).await?)
    }
}

/// What became of a batch, for the logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Lines that were kept.
    pub lines: usize,
}

/// Handles one batch of log events.
///
/// # Errors
/// When storage did not take a line and may take it later. A line that storage refuses for good is logged and left
/// out.
pub async fn record(log: &impl Log, event: Value) -> Result<Recorded, StepFailure> {
    let results: Vec<Result<(), Failure>> =
        stream::iter(progress_lines(event)).map(|line| log.append(line)).buffer_unordered(PARALLEL).collect().await;
    let mut recorded = Recorded::default();
    let mut later = None;
    for result in results {
        match result {
            Ok(()) => recorded.lines += 1,
            Err(failure) if failure.kind.is_retryable() => later = Some(failure),
            Err(failure) => tracing::error!(%failure, "a line of progress cannot be kept"),
        }
    }
    match later {
        None => Ok(recorded),
        Some(failure) => Err(runtime::step::fail(failure)),
    }
}

#[cfg(test)]
mod tests;

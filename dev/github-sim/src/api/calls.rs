//! A log of the latest API calls, for tests that count them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The log keeps this many calls.
const KEPT: usize = 5_000;

/// One API call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// When it came in.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path below the API base, with the query.
    pub path: String,
    /// Who called: `anonymous`, `app`, `installation 1002` or `user name`; `?` with bad credentials.
    pub caller: String,
    /// The status of the answer; `None`: the connection was cut.
    pub status: Option<u16>,
}

/// The latest calls, oldest first.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<VecDeque<Call>>);

impl CallLog {
    pub(super) fn push(&self, call: Call) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(call);
    }

    /// A copy of the log.
    pub(crate) fn list(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

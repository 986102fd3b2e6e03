//! What was asked, for tests to read.

use std::collections::{BTreeMap, VecDeque};

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::protocol::Protocol;
use crate::script::Consumer;

/// Headers that carry secrets; their values are never kept.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// One recorded request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recorded {
    /// Counts requests from 1.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// The protocol.
    pub protocol: Protocol,
    /// The path, such as `/v1/messages`.
    pub path: String,
    /// The status that was answered.
    pub status: u16,
    /// The error that was answered.
    pub error: Option<String>,
    /// The script that answered.
    pub script: Option<String>,
    /// Who asked, once that is known.
    pub consumer: Option<Consumer>,
    /// The script's line that answered, by its number in the file.
    pub line: Option<usize>,
    /// Whether this repeated the previous answer.
    pub retry: bool,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The headers; the values of those with secrets are `[redacted]`.
    pub headers: BTreeMap<String, String>,
    /// The body; a string if it is no JSON.
    pub body: Value,
}

/// Keeps the newest requests.
#[derive(Debug)]
pub struct Recorder {
    kept: VecDeque<Recorded>,
    limit: usize,
    next: u64,
}

impl Recorder {
    /// A recorder that keeps the newest `limit` requests.
    pub fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), limit, next: 1 }
    }

    /// Keeps a request, numbers it and returns the number.
    pub fn push(&mut self, mut request: Recorded) -> u64 {
        let seq = self.next;
        request.seq = seq;
        self.next += 1;
        self.kept.push_back(request);
        while self.kept.len() > self.limit {
            self.kept.pop_front();
        }
        seq
    }

    /// The requests of one script, or all, oldest first.
    pub fn list(&self, script: Option<&str>) -> Vec<Recorded> {
        let wanted = |request: &&Recorded| script.is_none() || request.script.as_deref() == script;
        self.kept.iter().filter(wanted).cloned().collect()
    }

    /// Forgets all requests; the numbers go on.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

/// The headers without secrets.
pub(crate) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let shown = headers.iter().map(|(name, value)| {
        let secret = SECRET.contains(&name.as_str());
        let value = if secret { "[redacted]".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        (name.to_string(), value.into_owned())
    });
    shown.collect()
}

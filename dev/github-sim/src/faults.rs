//! Fault injection: make the next calls fail in a chosen way.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

/// A rule: which calls fail, how often and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The HTTP method; absent: every method.
    #[serde(default)]
    pub method: Option<String>,
    /// The path below the API base (`/_codeload/…` for archive downloads). A `*` stands for any text, also with slashes: `/repos/*/git/refs`.
    pub path: String,
    /// How many calls it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// Wait this long, in milliseconds: before the call takes effect, or with `"when": "after"` before it is answered.
    #[serde(default)]
    pub delay_ms: u64,
    /// Whether the call takes effect before its answer is lost or replaced.
    #[serde(default)]
    pub when: When,
    /// What the caller gets.
    #[serde(default)]
    pub outcome: Outcome,
    /// How many calls it has hit; set by the simulator.
    #[serde(default)]
    pub fired: u32,
}

fn once() -> u32 {
    1
}

/// Before or after the call takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The call never reaches GitHub.
    #[default]
    Before,
    /// GitHub did it, but the answer does not arrive.
    After,
}

/// What the caller gets instead of the real answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// The connection is closed without an answer.
    #[default]
    Drop,
    /// The real answer, only late (with `delay_ms`).
    Pass,
    /// Another answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body; text is sent as it is, anything else as JSON.
        #[serde(default)]
        body: serde_json::Value,
    },
}

impl Outcome {
    /// The answer to send, when it is one.
    pub(crate) fn response(&self) -> Option<Response> {
        let Self::Answer { status, headers, body } = self else { return None };
        let text = match body {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert("content-type", json);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        Some(response)
    }
}

/// A fault that was drawn for a call.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) delay: Duration,
    pub(crate) when: When,
    pub(crate) outcome: Outcome,
}

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule.
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// All rules with their counts, also those that are used up: proof that a fault happened.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Forgets all rules.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The fault for this call: the oldest rule that matches and is not used up.
    pub(crate) fn draw(&self, method: &Method, path: &str) -> Option<Drawn> {
        let mut rules = self.lock();
        let fits = |rule: &&mut Fault| {
            rule.fired < rule.times
                && rule.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method.as_str()))
                && glob(&rule.path, path)
        };
        let rule = rules.iter_mut().find(fits)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.fired += 1;
        Some(Drawn { delay: Duration::from_millis(rule.delay_ms), when: rule.when, outcome: rule.outcome.clone() })
    }
}

/// Whether the pattern, in which `*` stands for any text, covers the whole text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(glob("/a", "/a"));
        assert!(!glob("/a", "/ab"));
        assert!(glob("/repos/*/git/refs", "/repos/acme/web/git/refs"));
        assert!(!glob("/repos/*/git/refs", "/repos/acme/web/git/refs/heads"));
        assert!(glob("*", "/anything"));
        assert!(glob("/x*y*z", "/x1y2z"));
        assert!(!glob("/x*y*z", "/x1z2y"));
    }

    #[test]
    fn a_rule_is_used_up() {
        let faults = Faults::default();
        let rule = r#"{"method":"put","path":"/pulls/*/merge","times":2,"skip":1}"#;
        faults.add(serde_json::from_str(rule).unwrap());
        let hit = || faults.draw(&Method::PUT, "/pulls/1/merge").is_some();
        assert!(faults.draw(&Method::GET, "/pulls/1/merge").is_none());
        assert_eq!([hit(), hit(), hit(), hit()], [false, true, true, false]);
        assert_eq!(faults.list()[0].fired, 2);
    }
}

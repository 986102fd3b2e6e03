//! Faults of the REST API, and its log: one layer around all its routes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;
use crate::server::App;
use crate::state::RestCall;

/// The largest body of a call, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Something that goes wrong in the next calls that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; any if absent.
    pub method: Option<String>,
    /// A part of the path, such as `/comments`; any path if absent.
    pub path: Option<String>,
    /// The status to answer; if absent the call is only slow.
    pub status: Option<u16>,
    /// Milliseconds before the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// In how many calls.
    #[serde(default = "once")]
    pub times: u32,
    /// Carry the call out first, so that only its answer is lost: what makes a client post twice.
    #[serde(default)]
    pub after: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    fn matches(&self, method: &str, path: &str) -> bool {
        let method_ok = self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        method_ok && self.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
    }
}

/// Takes the first fault that matches, and uses it up by one.
fn take(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<Fault> {
    let at = faults.iter().position(|fault| fault.times > 0 && fault.matches(method, path))?;
    faults[at].times -= 1;
    let fault = faults[at].clone();
    faults.retain(|fault| fault.times > 0);
    Some(fault)
}

/// Injects faults into calls of the REST API and logs the calls.
pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB").into_response();
    };
    let logged = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
    };
    let fault = app.change(|state| take(&mut state.faults, &method, &path));
    let inject = fault.as_ref().and_then(|fault| fault.status).map(|status| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Problem::new(status, "Flux Lens has a problem that somebody ordered").into_response()
    });
    if let Some(fault) = &fault {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    let request = Request::from_parts(parts, Body::from(bytes));
    let carried_out = inject.is_none() || fault.as_ref().is_some_and(|fault| fault.after);
    let answer = if carried_out { Some(next.run(request).await) } else { None };
    let response = inject.or(answer).unwrap_or_default();
    let call = RestCall {
        at: app.now(),
        method,
        path,
        body: logged,
        status: response.status().as_u16(),
        fault: fault.is_some(),
    };
    app.change(|state| state.calls.push(call));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_matches_and_is_used_up() {
        let json = r#"[{"method": "post", "path": "/comments", "status": 503, "times": 2}, {"delay_ms": 5}]"#;
        let mut faults: Vec<Fault> = serde_json::from_str(json).unwrap();
        let mut status = |method: &str, path: &str| take(&mut faults, method, path).map(|fault| fault.status);
        assert_eq!(status("POST", "/tickets/1/comments"), Some(Some(503)));
        assert_eq!(status("GET", "/tickets/1"), Some(None));
        assert_eq!(status("GET", "/tickets/1"), None);
        assert_eq!(status("POST", "/tickets/1/comments"), Some(Some(503)));
        assert_eq!(status("POST", "/tickets/1/comments"), None);
        assert!(faults.is_empty());
    }
}

//! What every API call passes: fault injection, credentials, the rate limit, common headers, the call log.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::calls::Call;
use crate::auth::{Identity, random_text};
use crate::error::ApiError;
use crate::faults::{Drawn, Outcome, When};
use crate::listener::CutSwitch;
use crate::sim::Sim;

/// The middleware. The call itself runs in a task of its own, so it is finished even when the caller hangs up.
pub(super) async fn pass(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let _busy = sim.busy.enter();
    let full = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let path = full.strip_prefix("/api/v3").unwrap_or(&full).to_owned();
    let method = request.method().clone();
    let switch = request.extensions().get::<ConnectInfo<CutSwitch>>().map(|info| info.0.clone());
    let bare = path.split('?').next().unwrap_or_default();
    let fault = sim.faults.draw(&method, bare);
    let identity = Identity::from_headers(&sim, request.headers());
    let caller = identity.as_ref().map_or_else(|_| "?".to_owned(), Identity::label);
    let at = sim.clock.now();
    let answer = {
        let (sim, caller) = (Arc::clone(&sim), caller.clone());
        async move { admit(&sim, identity, &caller, request, next).await }
    };
    let response = match fault {
        None => finish(answer).await,
        Some(fault) => with_fault(fault, answer, switch).await,
    };
    let status = response.as_ref().map(|r| r.status().as_u16());
    tracing::debug!(%method, path, caller, status, "api call");
    sim.calls.push(Call { at, method: method.to_string(), path, caller, status });
    response.unwrap_or_else(|| Response::new(Body::empty()))
}

/// Runs the call to its end, whether or not somebody waits for it.
async fn finish(answer: impl Future<Output = Response> + Send + 'static) -> Option<Response> {
    match tokio::spawn(answer).await {
        Ok(response) => Some(response),
        Err(error) => Some(ApiError::internal(&error).into_response()),
    }
}

/// `None`: the connection was cut.
async fn with_fault(
    fault: Drawn,
    answer: impl Future<Output = Response> + Send + 'static,
    switch: Option<CutSwitch>,
) -> Option<Response> {
    let real = match fault.when {
        When::After => finish(answer).await,
        When::Before if matches!(fault.outcome, Outcome::Pass) => {
            tokio::time::sleep(fault.delay).await;
            return finish(answer).await;
        }
        When::Before => None,
    };
    tokio::time::sleep(fault.delay).await;
    if matches!(fault.outcome, Outcome::Pass) {
        return real;
    }
    if let Some(replacement) = fault.outcome.response() {
        return Some(replacement);
    }
    match switch {
        Some(switch) => {
            switch.cut();
            None
        }
        None => real.or_else(|| Some(StatusCode::BAD_GATEWAY.into_response())),
    }
}

async fn admit(
    sim: &Sim,
    identity: Result<Identity, ApiError>,
    caller: &str,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(USER_AGENT) {
        let text = "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent \
                    header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\r\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let path = request.uri().path();
    let cost = u32::from(!path.ends_with("/rate_limit") && !path.starts_with("/_codeload/"));
    let allowance = sim.limits.count(caller, sim.clock.now(), cost);
    let mut response = match identity {
        Err(error) => error.into_response(),
        Ok(_) if allowance.exceeded() => {
            ApiError::forbidden(format!("API rate limit exceeded for {caller}.")).into_response()
        }
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
    };
    allowance.write_headers(response.headers_mut());
    common_headers(response.headers_mut());
    response
}

fn common_headers(headers: &mut HeaderMap) {
    let fixed = [
        ("server", "github.com"),
        ("x-github-media-type", "github.v3; format=json"),
        ("x-github-api-version-selected", "2022-11-28"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, max-age=60, s-maxage=60"),
        ("vary", "Accept, Authorization, Cookie, X-GitHub-OTP"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::try_from(random_text(24).to_ascii_uppercase()) {
        headers.insert("x-github-request-id", id);
    }
    if headers.get("content-type").is_some_and(|v| v == "application/json") {
        headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    }
}

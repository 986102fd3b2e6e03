//! Answers. An error says what is wrong with the request and nothing about us.

use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use lambda_http::{Body, Response};
use serde_json::{Value, json};

/// An answer with a JSON body.
pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    build(status, "application/json", body)
}

/// An error in the form of RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: Option<&str>) -> Response<Body> {
    let mut body = json!({"title": status.canonical_reason(), "status": status.as_u16()});
    if let (Some(detail), Some(object)) = (detail, body.as_object_mut()) {
        object.insert("detail".to_owned(), json!(detail));
    }
    let mut response = build(status, "application/problem+json", &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("5"));
    }
    response
}

fn build(status: StatusCode, content_type: &'static str, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

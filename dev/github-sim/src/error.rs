//! Failures as GitHub reports them over the wire.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::git::GitError;

/// The page that unspecific errors point to.
const DOCS: &str = "https://docs.github.com/rest";

/// A failed API call: status, message, and what else GitHub puts into the body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{status}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// `message` of the body.
    pub message: String,
    /// `errors` of the body.
    pub errors: Option<Vec<Value>>,
    /// One extra header.
    pub header: Option<Box<(&'static str, String)>>,
}

/// The result of an API operation.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Any status with a message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: None, header: None }
    }

    /// 404, also for what the caller must not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 401 for an unknown, expired or malformed token.
    pub fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    /// 401 when there is no token at all.
    pub fn requires_authentication() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Requires authentication")
    }

    /// 403 with a message.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 409 with a message.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 405 with a message: a merge that is not possible.
    pub fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
    }

    /// 422 with a message only.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 422 "Validation Failed" for one field with one of GitHub's codes (`missing`, `invalid`, `already_exists`, …).
    pub fn invalid_field(resource: &str, field: &str, code: &str) -> Self {
        Self::validation(vec![json!({"resource": resource, "field": field, "code": code})])
    }

    /// 422 "Validation Failed" with a sentence of its own.
    pub fn custom(resource: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::validation(vec![json!({"resource": resource, "code": "custom", "message": message})])
    }

    fn validation(errors: Vec<Value>) -> Self {
        Self { errors: Some(errors), ..Self::unprocessable("Validation Failed") }
    }

    /// 422 "Unprocessable Entity" with plain sentences, as the review endpoints answer.
    pub fn sentences(sentences: &[&str]) -> Self {
        let errors = sentences.iter().map(|s| Value::from(*s)).collect();
        Self { errors: Some(errors), ..Self::unprocessable("Unprocessable Entity") }
    }

    /// 500; the cause goes to the log.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let error = chain(error);
        tracing::error!(error, "the simulator failed to answer a request");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Server Error: {error}"))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.header = Some(Box::new((name, value.to_owned())));
        self
    }
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("message".to_owned(), self.message.into());
        if let Some(errors) = self.errors {
            body.insert("errors".to_owned(), errors.into());
        }
        body.insert("documentation_url".to_owned(), DOCS.into());
        body.insert("status".to_owned(), self.status.as_str().into());
        let mut response = (self.status, Json(Value::Object(body))).into_response();
        if let Some((name, value)) = self.header.map(|header| *header)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

//! Answers that are none: RFC 9457 problem details for the API, a short page for people.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::failure::{Failure, FailureKind};
use domain::role::Scope;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

use crate::pages;

/// Why a request is not answered as wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    /// A word for programs, where the status alone does not say enough.
    pub(crate) code: Option<&'static str>,
    /// Where somebody who came for a page can sign in to see it.
    pub(crate) sign_in: Option<String>,
    /// Why it counts as a refusal, if it does.
    pub(crate) refused: Option<Refused>,
}

/// Why something was refused to somebody: part of an answer for [`crate::caller::layer`] to write down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) &'static str);

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), code: None, sign_in: None, refused: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is nothing here, or no longer.")
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "That is not done here in this way; `Allow` says in which. Nothing was changed.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "A valid token is needed.")
    }

    /// Somebody is known, and may not do that.
    pub(crate) fn forbidden(scope: Scope) -> Self {
        let (detail, why) = match scope {
            Scope::Read => ("Your token does not allow reading.", "reading is not allowed"),
            Scope::Decide => ("You may not decide here: that takes the role approver.", "deciding is not allowed"),
            Scope::Operate => ("You may not do that: it takes the role admin.", "operating is not allowed"),
        };
        Self { code: Some("not_allowed"), ..Self::new(StatusCode::FORBIDDEN, detail) }.refused(why)
    }

    /// The same as a refusal that is written down.
    pub(crate) fn refused(self, why: &'static str) -> Self {
        Self { refused: Some(Refused(why)), ..self }
    }

    fn add_headers(&self, response: &mut Response) {
        if let Some(refused) = self.refused {
            response.extensions_mut().insert(refused);
        }
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="pi-tickets""#));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
    }
}

/// What went wrong behind the scenes is logged here, once; the answer says only what the reader can use.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Superseded => Self::new(StatusCode::CONFLICT, failure.message),
            FailureKind::InvalidInput => Self::new(StatusCode::UNPROCESSABLE_ENTITY, failure.message),
            kind if kind.is_retryable() => {
                tracing::warn!(%failure, "a request could not be answered now");
                let detail = "A part of the system is busy. Nothing was changed; try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            _ => {
                tracing::error!(%failure, "a request could not be answered");
                let detail = "Something is wrong on our side. Nothing was changed; the logs of `console` say more.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::not_found(),
            other => Failure::from(other).into(),
        }
    }
}

/// The media type of problems.
pub(crate) const PROBLEM_TYPE: &str = "application/problem+json";

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Always `about:blank`: the status says what sort of problem it is.
    #[serde(rename = "type")]
    about: &'a str,
    /// The status in words.
    title: &'a str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, what was not changed, and what to do next.
    detail: &'a str,
    /// A word for programs, where the status alone does not say enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// A problem as JSON.
pub(crate) struct ApiProblem(pub(crate) Problem);

impl<T: Into<Problem>> From<T> for ApiProblem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let body = ProblemBody {
            about: "about:blank",
            title: problem.status.canonical_reason().unwrap_or("Error"),
            status: problem.status.as_u16(),
            detail: &problem.detail,
            code: problem.code,
        };
        let mut response = (problem.status, Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        problem.add_headers(&mut response);
        response
    }
}

/// A problem as a page.
pub(crate) struct PageProblem(pub(crate) Problem);

impl<T: Into<Problem>> From<T> for PageProblem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let location = problem.sign_in.as_ref().and_then(|address| HeaderValue::try_from(address).ok());
        if let Some(location) = location {
            let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
            problem.add_headers(&mut response);
            response.headers_mut().remove(header::WWW_AUTHENTICATE);
            return response;
        }
        let mut response = (problem.status, pages::page(&pages::problem(&problem))).into_response();
        problem.add_headers(&mut response);
        response
    }
}

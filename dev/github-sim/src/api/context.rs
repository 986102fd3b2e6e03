//! What handlers take: the caller, the repository's path, the body.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::ACCEPT;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::auth::{Access, Identity, Need, Permission};
use crate::error::{ApiError, ApiResult};
use crate::names::Sha;
use crate::sim::Sim;

/// Reads files and commits.
pub(super) const CONTENTS_READ: Need = Need::read(&[Permission::Contents]);
/// Writes objects and references, merges.
pub(super) const CONTENTS_WRITE: Need = Need::write(&[Permission::Contents]);
/// Reads pull requests.
pub(super) const PULLS_READ: Need = Need::read(&[Permission::PullRequests]);
/// Opens, edits and reviews pull requests.
pub(super) const PULLS_WRITE: Need = Need::write(&[Permission::PullRequests]);
/// Reads the conversation.
pub(super) const TALK_READ: Need = Need::read(&[Permission::Issues, Permission::PullRequests]);
/// Writes in the conversation.
pub(super) const TALK_WRITE: Need = Need::write(&[Permission::Issues, Permission::PullRequests]);
/// Reads the repository's own data.
pub(super) const METADATA: Need = Need::read(&[Permission::Metadata]);
/// Reads check runs.
pub(super) const CHECKS: Need = Need::read(&[Permission::Checks]);
/// Reads commit statuses.
pub(super) const STATUSES: Need = Need::read(&[Permission::Statuses]);
/// Reads branch protection.
pub(super) const ADMINISTRATION: Need = Need::read(&[Permission::Administration]);

/// The caller and where the call goes.
pub(super) struct Context {
    pub(super) sim: Arc<Sim>,
    pub(super) identity: Identity,
    pub(super) headers: HeaderMap,
    /// The path and query as sent, for links.
    pub(super) uri: http::Uri,
    params: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
}

impl FromRequestParts<Arc<Sim>> for Context {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> ApiResult<Self> {
        let identity = parts.extensions.get::<Identity>().cloned().unwrap_or(Identity::Anonymous);
        let params = RawPathParams::from_request_parts(parts, sim).await.map_err(|_| ApiError::not_found())?;
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let uri = parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |o| &o.0).clone();
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Ok(Self { sim: Arc::clone(sim), identity, headers: parts.headers.clone(), params, uri, query })
    }
}

impl Context {
    /// Checks the permission on the repository of the path.
    pub(super) fn access(&self, need: Need) -> ApiResult<Access> {
        self.sim.access(&self.identity, self.param("owner"), self.param("repo"), need)
    }

    /// A part of the path; a route that lacks it is a mistake of the router, and answers 404.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// A part of the path that is a number; anything else is not found.
    pub(super) fn number(&self, name: &str) -> ApiResult<u64> {
        self.param(name).parse().map_err(|_| ApiError::not_found())
    }

    /// A query parameter that is not empty.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// Whether the caller asked for this custom media type, such as `raw` or `diff`.
    pub(super) fn accepts(&self, kind: &str) -> bool {
        let accept = self.headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        accept.split(',').any(|part| {
            let part = part.split(';').next().unwrap_or_default().trim();
            part.strip_prefix("application/vnd.github.").is_some_and(|rest| {
                let rest = rest.strip_prefix("v3.").unwrap_or(rest);
                rest.split('+').next() == Some(kind)
            })
        })
    }
}

/// A body that is parsed only when the caller may do what it asks for, as on GitHub.
pub(super) struct Body(Bytes);

impl FromRequest<Arc<Sim>> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, sim: &Arc<Sim>) -> ApiResult<Self> {
        let too_large = |_| ApiError::new(http::StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
        Bytes::from_request(request, sim).await.map(Self).map_err(too_large)
    }
}

impl Body {
    /// Reads JSON, with GitHub's answers to what is none. An empty body counts as `{}`.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> ApiResult<T> {
        parse(&self.0)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let bad = |message| ApiError::new(http::StatusCode::BAD_REQUEST, message);
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|_| bad("Problems parsing JSON"))?;
    if !value.is_object() {
        return Err(bad("Body should be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.inner().to_string();
        let at = error.path().to_string();
        let message = match inner.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => format!("Invalid request.\n\n\"{field}\" wasn't supplied."),
            None => format!("Invalid request.\n\nFor '{at}', {inner}."),
        };
        ApiError::unprocessable(message)
    })
}

/// An object id of a path or body, or 422 in GitHub's words.
pub(super) fn sha_parameter(text: &str) -> ApiResult<Sha> {
    Sha::parse(text).ok_or_else(|| {
        ApiError::unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only its parsing is tested")]
        title: String,
    }

    #[test]
    fn bodies_are_refused_in_githubs_words() {
        let message = |text: &str| parse::<Sample>(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("{"), "400 Bad Request: Problems parsing JSON");
        assert_eq!(message("[]"), "400 Bad Request: Body should be a JSON object");
        assert_eq!(message(""), "422 Unprocessable Entity: Invalid request.\n\n\"title\" wasn't supplied.");
        assert!(message(r#"{"title":1}"#).contains("For 'title', invalid type"));
        assert!(parse::<Sample>(br#"{"title":"x"}"#).is_ok());
    }
}

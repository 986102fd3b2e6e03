//! Who is asking.

use axum::http::{HeaderMap, header};
use domain::Digest;
use domain::view_token::View;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::backend::Secrets;
use crate::problem::Problem;

/// Whether the request carries the API token. Digests are compared, so that neither content nor length of a wrong
/// token can be learned from the time it takes.
fn has_token(secrets: &Secrets, headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    let Some((scheme, token)) = value.split_once(' ') else { return false };
    let (given, wanted) = (Digest::of(token.trim()), Digest::of(secrets.token.expose_secret()));
    scheme.eq_ignore_ascii_case("bearer") && bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
}

/// Proof that the API token was shown.
pub(crate) struct TokenHolder(());

impl TokenHolder {
    /// Checks the request.
    pub(crate) fn check(secrets: &Secrets, headers: &HeaderMap) -> Result<Self, Problem> {
        if has_token(secrets, headers) { Ok(Self(())) } else { Err(Problem::unauthorized()) }
    }
}

/// Proof that a page may be read, and how its links keep that right.
pub(crate) struct Reader {
    /// The view token of the request, to go on with from page to page.
    pub(crate) view: Option<String>,
}

impl Reader {
    /// Checks the request for a page.
    pub(crate) fn check(
        secrets: &Secrets,
        headers: &HeaderMap,
        view: View<'_>,
        token: Option<String>,
    ) -> Result<Self, Problem> {
        if has_token(secrets, headers) {
            return Ok(Self { view: token });
        }
        match token {
            Some(token) if secrets.view_key.opens(view, &token) => Ok(Self { view: Some(token) }),
            _ => Err(Problem::unauthorized()),
        }
    }

    /// An address of ours, with the reader's right to read it.
    pub(crate) fn link(&self, base_url: &str, path: &str) -> String {
        match &self.view {
            Some(token) => format!("{base_url}{path}?view={token}"),
            None => format!("{base_url}{path}"),
        }
    }
}

//! The HTTP service below octocrab.
//!
//! octocrab's own client follows redirects by itself and names every address it visits in its trace, and the address
//! of an archive is a credential for five minutes. Its rewriting of the base address also changes absolute addresses
//! when the base has a path, as an Enterprise server's does. So octocrab runs on this service, which does neither.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use octocrab::OctoBody;
use url::Url;

use crate::error::GithubError;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time without a byte.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Shorter than the sleep of a function that is not called: a connection does not survive that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// One HTTP client and the address that relative requests go to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Arc<Url>,
}

impl Transport {
    /// A client for the API at `base`, such as `https://github.example.com/api/v3`.
    pub(crate) fn new(base: &str) -> Result<Self, GithubError> {
        let setup = |reason: String| GithubError::Setup(reason);
        let base = Url::parse(base).map_err(|error| setup(format!("`{base}` is not a URL: {error}")))?;
        if !matches!(base.scheme(), "https" | "http") || base.cannot_be_a_base() || base.query().is_some() {
            return Err(setup(format!("`{base}` is not the address of an API")));
        }
        let client = reqwest::Client::builder()
            .user_agent("pi-tickets")
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .https_only(base.scheme() == "https")
            .build()
            .map_err(|error| setup(error.to_string()))?;
        Ok(Self { client, base: Arc::new(base) })
    }

    /// The path of an address of this very API, below its base; `None` for every other address.
    pub(crate) fn own_path(&self, url: &Url) -> Option<String> {
        let base = self.base.path().trim_end_matches('/');
        let rest = (url.origin() == self.base.origin()).then(|| url.path().strip_prefix(base)).flatten()?;
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        rest.starts_with('/').then(|| format!("{rest}{query}"))
    }

    /// The absolute address of a request: absolute ones are left alone.
    fn absolute(&self, uri: &http::Uri) -> String {
        if uri.authority().is_some() {
            return uri.to_string();
        }
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

impl tower::Service<Request<OctoBody>> for Transport {
    type Response = Response<reqwest::Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let url = self.absolute(request.uri());
        let client = self.client.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let answer = client.request(parts.method, url).headers(parts.headers).body(body).send().await;
            // The address can be a credential (see the module's text), so no error names it.
            Ok(answer.map_err(reqwest::Error::without_url)?.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_requests_go_below_the_base_and_absolute_ones_stay() {
        for (base, expected) in [
            ("https://api.github.com", "https://api.github.com/repos/a/b?x=1"),
            ("https://ghe.example/api/v3/", "https://ghe.example/api/v3/repos/a/b?x=1"),
        ] {
            let transport = Transport::new(base).unwrap();
            assert_eq!(transport.absolute(&"/repos/a/b?x=1".parse().unwrap()), expected);
            let elsewhere = "https://codeload.example/a/b?token=t";
            assert_eq!(transport.absolute(&elsewhere.parse().unwrap()), elsewhere);
        }
    }

    #[test]
    fn only_the_same_origin_below_the_base_is_our_own() {
        let transport = Transport::new("https://ghe.example/api/v3").unwrap();
        let own = |url: &str| transport.own_path(&url.parse().unwrap());
        assert_eq!(own("https://ghe.example/api/v3/repositories/1?x=1").as_deref(), Some("/repositories/1?x=1"));
        assert_eq!(own("https://ghe.example/login"), None);
        assert_eq!(own("http://ghe.example/api/v3/x"), None);
        assert_eq!(own("https://ghe.example.evil/api/v3/x"), None);
        assert_eq!(own("https://ghe.example/api/v3evil/x"), None);
    }

    #[test]
    fn unusable_addresses_are_refused() {
        for bad in ["", "api.github.com", "ftp://x", "mailto:a@b", "https://x/?token=1"] {
            assert!(Transport::new(bad).is_err(), "{bad}");
        }
    }
}

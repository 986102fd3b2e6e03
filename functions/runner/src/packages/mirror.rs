//! One mirror: what is asked for below our path is read from its repository.
//!
//! The supervisor follows redirects itself, to the mirror and to the hosts named with it, and nowhere else. Addresses in
//! descriptions of packages that lead to the mirror are made to lead here.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use axum::http::{Method, Response, StatusCode};
use domain::packages::{AccessToken, Ecosystem, HostName, Mirror as Source};
use futures::TryStreamExt;
use reqwest::Url;

/// Time to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest silence of a mirror, which may have to fetch a package itself first.
const READ_LIMIT: Duration = Duration::from_mins(1);
/// Most redirects of one request.
const MAX_REDIRECTS: usize = 5;
/// Largest description of a package, bytes. Contents are passed on as they come.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024 * 1024;
/// Longest header that is passed on, bytes.
const MAX_HEADER_BYTES: usize = 300;

/// A mirror.
#[derive(Debug)]
pub struct Mirror {
    ecosystem: Ecosystem,
    /// Ends in a slash.
    base: Url,
    token: Option<AccessToken>,
    redirects: Vec<HostName>,
    client: reqwest::Client,
}

/// A mirror that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadMirror {
    /// Its address is wrong.
    #[error("the address of the {} mirror is not an HTTP address", .0.as_str())]
    Address(Ecosystem),
    /// There is no HTTP client.
    #[error("no HTTP client for packages")]
    Client(#[from] reqwest::Error),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NotFetched {
    /// The path leads out of the mirror.
    #[error("this address is not one of the package mirror")]
    Outside,
    /// The mirror sends us elsewhere.
    #[error("the package mirror redirects to {0}, which is not among its hosts")]
    Redirected(String),
    /// And again.
    #[error("the package mirror redirects more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// It does not want us.
    #[error("the package mirror refused this deployment's credential ({0})")]
    Unauthorized(StatusCode),
    /// It says too much.
    #[error("a description of more than {MAX_DESCRIPTION_BYTES} bytes")]
    TooLarge,
    /// It does not answer.
    #[error("the package mirror does not answer: {0}")]
    Unreachable(String),
}

impl NotFetched {
    /// Whether somebody wanted what is not allowed.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Outside | Self::Redirected(_))
    }
}

impl From<reqwest::Error> for NotFetched {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url().to_string())
    }
}

impl Mirror {
    pub(super) fn new(source: &Source) -> Result<Self, BadMirror> {
        let ecosystem = source.ecosystem;
        let bad = || BadMirror::Address(ecosystem);
        let mut base = Url::parse(&source.url).map_err(|_| bad())?;
        if !matches!(base.scheme(), "http" | "https") || !base.username().is_empty() || base.query().is_some() {
            return Err(bad());
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(READ_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { ecosystem, base, token: source.token.clone(), redirects: source.redirects.clone(), client })
    }

    /// Whose packages it has.
    pub const fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// Reads what stands at `path`, relative to the mirror's base. `here` is where the command reaches that base.
    ///
    /// # Errors
    /// See [`NotFetched`].
    pub async fn answer(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        here: &str,
    ) -> Result<Response<Body>, NotFetched> {
        let mut url = self.below(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(method, url, headers).await?;
            if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
                url = self.redirected(&response)?;
                continue;
            }
            if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Err(NotFetched::Unauthorized(response.status()));
            }
            return self.pass_on(response, here).await;
        }
        Err(NotFetched::TooManyRedirects)
    }

    /// Package managers that replace a host in a lock file keep the path, with the mirror's own base in front.
    fn below(&self, path: &str) -> Result<Url, NotFetched> {
        let own = self.base.path();
        let whole = if format!("/{path}").starts_with(own) { format!("/{path}") } else { format!("{own}{path}") };
        let url = self.base.join(&whole).map_err(|_| NotFetched::Outside)?;
        // Dots, backslashes and encoded dots are gone by now.
        if url.origin() == self.base.origin() && url.path().starts_with(own) {
            Ok(url)
        } else {
            Err(NotFetched::Outside)
        }
    }

    fn redirected(&self, response: &reqwest::Response) -> Result<Url, NotFetched> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let url = response.url().join(location).map_err(|_| NotFetched::Redirected("nowhere".to_owned()))?;
        let elsewhere = || NotFetched::Redirected(url.host_str().unwrap_or("nowhere").to_owned());
        if !url.username().is_empty() || url.password().is_some() {
            return Err(elsewhere());
        }
        if url.origin() == self.base.origin() {
            return Ok(url);
        }
        let host: HostName = url.host_str().unwrap_or_default().parse().map_err(|_| elsewhere())?;
        let is_https = url.scheme() == "https" && url.port().is_none();
        if is_https && self.redirects.contains(&host) { Ok(url) } else { Err(elsewhere()) }
    }

    async fn ask(&self, method: &Method, url: Url, headers: &HeaderMap) -> Result<reqwest::Response, NotFetched> {
        let is_ours = url.origin() == self.base.origin();
        // Rewriting needs plain text; nothing else of the request is passed on.
        let mut request = self.client.request(method.clone(), url).header(ACCEPT_ENCODING, "identity");
        if let Some(accept) = headers.get(ACCEPT).filter(|value| value.len() <= MAX_HEADER_BYTES) {
            request = request.header(ACCEPT, accept);
        }
        if let Some(token) = self.token.as_ref().filter(|_| is_ours) {
            request = match self.ecosystem {
                Ecosystem::Npm | Ecosystem::Cargo => request.bearer_auth(token.expose()),
                Ecosystem::Pypi => request.basic_auth("aws", Some(token.expose())),
            };
        }
        Ok(request.send().await?)
    }

    async fn pass_on(&self, response: reqwest::Response, here: &str) -> Result<Response<Body>, NotFetched> {
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).cloned();
        let length = response.headers().get(CONTENT_LENGTH).cloned();
        let describes = kind.as_ref().and_then(|kind| kind.to_str().ok()).is_some_and(is_description)
            || response.url().path() == format!("{}config.json", self.base.path());
        let (body, length) = if describes {
            let text = self.rewritten(&read(response).await?, here);
            let length = HeaderValue::from(text.len());
            (Body::from(text), Some(length))
        } else {
            (Body::from_stream(response.bytes_stream().map_err(reqwest::Error::without_url)), length)
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        for (name, value) in [(CONTENT_TYPE, kind), (CONTENT_LENGTH, length)] {
            if let Some(value) = value {
                answer.headers_mut().insert(name, value);
            }
        }
        Ok(answer)
    }

    fn rewritten(&self, text: &Bytes, here: &str) -> Vec<u8> {
        let text = String::from_utf8_lossy(text).replace(self.base.as_str(), here);
        if self.ecosystem != Ecosystem::Cargo {
            return text.into_bytes();
        }
        // Whoever comes here has nothing to show.
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(serde_json::Value::Object(mut config)) if config.contains_key("dl") => {
                config.remove("auth-required");
                serde_json::Value::Object(config).to_string().into_bytes()
            }
            _ => text.into_bytes(),
        }
    }
}

fn is_description(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "text/html" || kind == "application/json" || kind.ends_with("+json") || kind.ends_with("+html")
}

async fn read(response: reqwest::Response) -> Result<Bytes, NotFetched> {
    let mut body = response.bytes_stream();
    let mut text = Vec::new();
    while let Some(chunk) = body.try_next().await? {
        if text.len() + chunk.len() > MAX_DESCRIPTION_BYTES {
            return Err(NotFetched::TooLarge);
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(url: &str) -> Mirror {
        let source = Source {
            ecosystem: Ecosystem::Npm,
            url: url.to_owned(),
            token: None,
            redirects: vec!["assets.example.org".parse().unwrap()],
        };
        Mirror::new(&source).unwrap()
    }

    #[test]
    fn paths_stay_below_the_base() {
        let mirror = mirror("https://packages.example.org/npm/team");
        let below = |path: &str| mirror.below(path).map(|url| url.to_string()).ok();
        let at = |path: &str| Some(format!("https://packages.example.org/npm/team/{path}"));
        assert_eq!(below("left-pad"), at("left-pad"));
        assert_eq!(below("@a%2fb?write=false"), at("@a%2fb?write=false"));
        assert_eq!(below("npm/team/left-pad/-/left-pad-1.0.0.tgz"), at("left-pad/-/left-pad-1.0.0.tgz"));
        assert_eq!(below("/evil.example/x"), at("/evil.example/x"));
        assert_eq!(below("https://evil.example/x"), at("https://evil.example/x"));
        for path in ["../other/x", "..", "a/../../other", "%2e%2e/other", "..\\..\\x", ".%2E/x", "npm/team/../x"] {
            assert_eq!(below(path), None, "{path}");
        }
        for bad in ["ftp://a.example/", "https://user@a.example/", "https://a.example/?x", "nonsense"] {
            let source = Source { ecosystem: Ecosystem::Npm, url: bad.to_owned(), token: None, redirects: vec![] };
            assert!(Mirror::new(&source).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_descriptions_are_read_as_text() {
        for kind in ["text/html; charset=utf-8", "application/json", "application/vnd.npm.install-v1+json"] {
            assert!(is_description(kind), "{kind}");
        }
        for kind in ["application/octet-stream", "application/gzip", ""] {
            assert!(!is_description(kind), "{kind}");
        }
    }
}

//! The REST API of Flux Lens, as far as it is used.

use std::fmt;
use std::time::Duration;

use domain::ticket::TicketStatus;
use reqwest::{Client, Method};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::error::FluxLensError;
use super::http::Call;

/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time of one try.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bounds of the repeats of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repeats after the first try.
    pub repeats: usize,
    /// First pause; the following ones double, with jitter.
    pub first_pause: Duration,
    /// Longest pause of our own choice.
    pub longest_pause: Duration,
    /// Longest pause that the tracker may ask for; a longer one is given up at once, and whoever called comes back
    /// later.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            repeats: 3,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(3),
            longest_wait: Duration::from_secs(5),
        }
    }
}

/// A client of Flux Lens. Cheap to clone; `Debug` does not show its token.
#[derive(Clone)]
pub struct FluxLens {
    pub(super) http: Client,
    base: Url,
    pub(super) token: SecretString,
    pub(super) retry: RetryPolicy,
}

/// A ticket as the tracker has it now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TrackedTicket {
    /// Its id.
    pub id: String,
    /// Rises with every change.
    pub version: u64,
    /// Its title.
    pub title: String,
    /// The tracker's word for where it stands, such as `In Progress`.
    pub status: String,
}

impl FluxLens {
    /// A client of the API at `base_url`.
    ///
    /// # Errors
    /// [`FluxLensError::Setup`] when the address cannot be used.
    pub fn new(base_url: &str, token: SecretString) -> Result<Self, FluxLensError> {
        let base = Url::parse(base_url).map_err(|error| FluxLensError::Setup(format!("its address: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(FluxLensError::Setup("its address is not an http or https one".to_owned()));
        }
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pi-tickets/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            // A proxy for the outside cannot reach what listens on this machine only.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| FluxLensError::Setup(error.to_string()))?;
        Ok(Self { http, base, token, retry: RetryPolicy::default() })
    }

    /// The same client with other bounds for its repeats.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// The same client with another token. Connections are shared.
    #[must_use]
    pub fn with_token(&self, token: SecretString) -> Self {
        Self { token, ..self.clone() }
    }

    /// Reads a ticket.
    ///
    /// # Errors
    /// [`FluxLensError`].
    pub async fn ticket(&self, id: &str) -> Result<TrackedTicket, FluxLensError> {
        let call = self.call(Method::GET, id, &[])?;
        let bytes = self.send(&call).await?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(&mut json).map_err(|error| FluxLensError::Unexpected {
            call: format!("GET {}", call.url.path()),
            reason: format!("`{}`: {}", error.path(), error.inner()),
        })
    }

    /// Writes a comment of Markdown. `idempotency_key` goes along as the header `Idempotency-Key`, for trackers that
    /// keep a repeated comment from being written twice.
    ///
    /// # Errors
    /// [`FluxLensError`].
    pub async fn comment(&self, id: &str, markdown: &str, idempotency_key: &str) -> Result<(), FluxLensError> {
        let mut call = self.call(Method::POST, id, &["comments"])?;
        call.body = Some(json!({ "body": markdown }));
        call.idempotency_key = Some(idempotency_key.to_owned());
        self.send(&call).await.map(drop)
    }

    /// Moves a ticket. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`FluxLensError`]; [`FluxLensError::Refused`] for a ticket that can no longer be moved.
    pub async fn set_status(&self, id: &str, status: TicketStatus) -> Result<(), FluxLensError> {
        let mut call = self.call(Method::PATCH, id, &[])?;
        call.body = Some(json!({ "status": status }));
        self.send(&call).await.map(drop)
    }

    fn call(&self, method: Method, id: &str, rest: &[&str]) -> Result<Call, FluxLensError> {
        // As path segments the parts are escaped; `.` and `..` would still be taken for steps in the path.
        if matches!(id, "" | "." | "..") {
            return Err(FluxLensError::NotFound { id: id.to_owned() });
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| FluxLensError::Setup("its address cannot be used".to_owned()))?
            .pop_if_empty()
            .extend(["tickets", id])
            .extend(rest);
        Ok(Call { method, url, ticket: id.to_owned(), body: None, idempotency_key: None })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for FluxLens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FluxLens").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

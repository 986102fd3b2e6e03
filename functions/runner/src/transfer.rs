//! Fetching and storing by presigned URL. A URL is a credential: it is never logged and never part of an error.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use domain::Digest;
use domain::task::Download;
use futures::TryStreamExt;

use crate::proxy::retry::is_transient;

/// Why a transfer failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// No answer.
    #[error("{what} could not be transferred: {reason}")]
    NoAnswer {
        /// What was to be transferred.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The store refused.
    #[error("{what} could not be transferred: the store answered {status} (a presigned URL lives for an hour)")]
    Status {
        /// What was to be transferred.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// Too long.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What was to be fetched.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Something else than was promised.
    #[error("{what} has another digest than the task says")]
    Digest {
        /// What was fetched.
        what: &'static str,
    },
}

impl TransferError {
    fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Status { status, .. } => is_transient(*status),
            Self::TooLarge { .. } | Self::Digest { .. } => false,
        }
    }
}

/// Makes transfers, trying again after passing failures.
#[derive(Debug, Clone)]
pub struct Transfers {
    client: reqwest::Client,
    backoff: ExponentialBuilder,
}

impl Transfers {
    /// With a client of its own.
    ///
    /// # Errors
    /// The TLS configuration of the host is unusable.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(5)
            .with_jitter();
        Ok(Self { client, backoff })
    }

    /// Fetches what is behind `url`, at most `limit` bytes.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn get(&self, what: &'static str, url: &str, limit: u64) -> Result<Bytes, TransferError> {
        let once = || async {
            let response = self.client.get(url).send().await.map_err(|error| no_answer(what, error))?;
            check(what, response.status())?;
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.try_next().await.map_err(|error| no_answer(what, error))? {
                body.extend_from_slice(&chunk);
                if body.len() as u64 > limit {
                    return Err(TransferError::TooLarge { what, limit });
                }
            }
            Ok(Bytes::from(body))
        };
        once.retry(self.backoff).when(TransferError::is_transient).await
    }

    /// Fetches a download and checks its digest.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn fetch(&self, what: &'static str, download: &Download, limit: u64) -> Result<Bytes, TransferError> {
        let bytes = self.get(what, &download.url, limit).await?;
        if Digest::of(&bytes) != download.digest {
            return Err(TransferError::Digest { what });
        }
        Ok(bytes)
    }

    /// Stores `bytes` at `url`.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn put(&self, what: &'static str, url: &str, bytes: impl Into<Bytes>) -> Result<(), TransferError> {
        let bytes = bytes.into();
        let once = || async {
            let sent = self.client.put(url).body(bytes.clone()).send().await.map_err(|error| no_answer(what, error))?;
            check(what, sent.status())
        };
        once.retry(self.backoff).when(TransferError::is_transient).await
    }
}

fn check(what: &'static str, status: reqwest::StatusCode) -> Result<(), TransferError> {
    if status.is_success() { Ok(()) } else { Err(TransferError::Status { what, status: status.as_u16() }) }
}

fn no_answer(what: &'static str, error: reqwest::Error) -> TransferError {
    let error = error.without_url();
    let cause = std::iter::successors(std::error::Error::source(&error), |cause| cause.source()).last();
    TransferError::NoAnswer { what, reason: cause.map_or_else(|| error.to_string(), ToString::to_string) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn serve(routes: Router) -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn passing_failures_are_repeated_and_digests_are_checked() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let handler = move || {
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            async move { if first { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok("content") } }
        };
        let url = format!("{}/x?signature=geheim", serve(Router::new().route("/x", get(handler))).await);
        let transfers = Transfers::new().unwrap();
        let mut download = Download { url, digest: Digest::of("content") };
        assert_eq!(transfers.fetch("the file", &download, 100).await.unwrap(), "content");
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert!(matches!(transfers.fetch("the file", &download, 3).await, Err(TransferError::TooLarge { .. })));
        download.digest = Digest::of("other");
        assert!(matches!(transfers.fetch("the file", &download, 100).await, Err(TransferError::Digest { .. })));
    }

    #[tokio::test]
    async fn errors_never_show_the_url() {
        let url = format!("{}/none?signature=geheim", serve(Router::new()).await);
        let transfers = Transfers::new().unwrap();
        let refused = transfers.put("the report", &url, "x").await.unwrap_err();
        assert_eq!(refused, TransferError::Status { what: "the report", status: 404 });
        let nobody = TransferError::NoAnswer { what: "x", reason: String::new() };
        let transfers = Transfers { backoff: ExponentialBuilder::default().with_max_times(0), ..transfers };
        let error = transfers.get("x", "http://127.0.0.1:1/?signature=geheim", 9).await.unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&nobody));
        assert!(!format!("{error} {error:?} {refused:?}").contains("geheim"));
    }
}

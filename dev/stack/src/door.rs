//! The stack's address for people and webhooks: a short URL in front of the engine's REST API.
//!
//! The API's own address is known only when it exists, but every link that the stack sends has to begin with it. This
//! port is known before. Bytes pass unchanged in both directions.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What may pass, bytes: more than the API takes, so that it is the API that refuses.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Headers that belong to one connection.
const OF_ONE_HOP: [HeaderName; 6] =
    [header::CONNECTION, header::HOST, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

/// The open door. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Door {
    url: String,
    inside: Arc<Inside>,
    server: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct Inside {
    api: OnceLock<String>,
    http: reqwest::Client,
}

impl Door {
    /// Listens on a free loopback port. Until [`Door::lead_to`] everybody is told to come back.
    ///
    /// # Errors
    /// When there is no free port.
    pub(crate) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let inside = Arc::new(Inside { api: OnceLock::new(), http: http.build().map_err(io::Error::other)? });
        let router =
            Router::new().fallback(pass).layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(Arc::clone(&inside));
        Ok(Self { url, inside, server: tokio::spawn(axum::serve(listener, router).into_future()) })
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Says where the API is, once.
    pub(crate) fn lead_to(&self, api: String) {
        if self.inside.api.set(api).is_err() {
            tracing::debug!("the door leads somewhere already");
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    State(inside): State<Arc<Inside>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let Some(api) = inside.api.get() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "The stack is starting; come back in a moment.\n");
    };
    for name in &OF_ONE_HOP {
        headers.remove(name);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    match inside.http.request(method, format!("{api}{path}")).headers(headers).body(body).send().await {
        Ok(answer) => relay(answer).await,
        Err(error) => {
            tracing::debug!(%error, "the API does not answer");
            plain(StatusCode::BAD_GATEWAY, "The engine behind this address does not answer; it may be ending.\n")
        }
    }
}

async fn relay(answer: reqwest::Response) -> Response<Body> {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in &OF_ONE_HOP {
        headers.remove(name);
    }
    headers.remove(header::CONTENT_LENGTH);
    let Ok(body) = answer.bytes().await else {
        return plain(StatusCode::BAD_GATEWAY, "The engine broke its answer off.\n");
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

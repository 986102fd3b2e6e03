//! The door's server.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Routes, tunnel};

/// Time between tries to take a connection, where none can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections, for ever.
pub(super) async fn accept(
    listener: TcpListener,
    port: u16,
    routes: Arc<Routes>,
    connections: &TaskTracker,
    shut: &CancellationToken,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection for packages could not be taken");
                // Descriptors come back when connections end.
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (routes, tracker, shut) = (Arc::clone(&routes), connections.clone(), shut.clone());
        connections.spawn(async move {
            let service = service_fn(|request| {
                let (routes, tracker, shut) = (Arc::clone(&routes), tracker.clone(), shut.clone());
                async move { Ok::<_, Infallible>(answer(&routes, request, port, &tracker, &shut).await) }
            });
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
            if let Some(Err(error)) = shut.run_until_cancelled(serving).await {
                tracing::debug!(%error, "a connection for packages broke");
            }
        });
    }
}

async fn answer(
    routes: &Arc<Routes>,
    request: Request<Incoming>,
    port: u16,
    connections: &TaskTracker,
    shut: &CancellationToken,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return tunnel::connect(routes, request, connections, shut).await;
    }
    if request.uri().authority().is_some() {
        return refuse(routes, StatusCode::FORBIDDEN, "only HTTPS is passed on, by CONNECT");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse(routes, StatusCode::METHOD_NOT_ALLOWED, "packages can be read here, and nothing else");
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let (key, path) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    if !bool::from(key.as_bytes().ct_eq(routes.key.as_bytes())) {
        return refuse(routes, StatusCode::NOT_FOUND, "the key is not the one of this command");
    }
    let (ecosystem, path) = path.split_once('/').unwrap_or((path, ""));
    match routes.mirrors.iter().find(|mirror| mirror.ecosystem().as_str() == ecosystem) {
        Some(mirror) => {
            let here = format!("http://127.0.0.1:{port}/{key}/{ecosystem}/");
            let answer = mirror.answer(request.method(), path, request.headers(), &here).await;
            answer.unwrap_or_else(|error| {
                tracing::info!(ecosystem, path, %error, "a package was not fetched");
                if error.is_refusal() {
                    refuse(routes, StatusCode::FORBIDDEN, &error.to_string())
                } else {
                    tell(StatusCode::BAD_GATEWAY, &error.to_string())
                }
            })
        }
        None => refuse(routes, StatusCode::NOT_FOUND, "this deployment has no such mirror"),
    }
}

/// An answer in words, counted as a refusal.
pub(super) fn refuse(routes: &Routes, status: StatusCode, message: &str) -> Response<Body> {
    routes.refused.fetch_add(1, Ordering::Relaxed);
    tell(status, message)
}

/// An answer in words.
pub(super) fn tell(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{message}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

//! Tunnels to hosts that the operator named.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{HeaderMap, PROXY_AUTHORIZATION};
use axum::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::packages::tunnel_to;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use subtle::ConstantTimeEq;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Routes;
use super::server::{refuse, tell};

/// The user's name before the key.
pub const USER: &str = "setup";

/// Answers a `CONNECT`.
pub(super) async fn connect(
    routes: &Arc<Routes>,
    request: Request<Incoming>,
    connections: &TaskTracker,
    shut: &CancellationToken,
) -> Response<Body> {
    if !knows(&routes.key, request.headers()) {
        return refuse(routes, StatusCode::PROXY_AUTHENTICATION_REQUIRED, "the key is not the one of this command");
    }
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let host = match tunnel_to(&authority, &routes.hosts) {
        Ok(host) => host,
        Err(error) => {
            tracing::info!(authority, %error, "a tunnel was refused");
            return refuse(routes, StatusCode::FORBIDDEN, &error.to_string());
        }
    };
    let mut remote = match routes.dial.dial(&host).await {
        Ok(remote) => remote,
        Err(error) => return tell(StatusCode::BAD_GATEWAY, &format!("{host} cannot be reached: {error}")),
    };
    tracing::info!(%host, "a tunnel was opened");
    let upgrade = hyper::upgrade::on(request);
    let shut = shut.clone();
    connections.spawn(async move {
        let carried = async {
            let mut local = TokioIo::new(upgrade.await.map_err(std::io::Error::other)?);
            copy_bidirectional(&mut local, &mut remote).await
        };
        if let Some(Err(error)) = shut.run_until_cancelled(carried).await {
            tracing::debug!(%host, %error, "a tunnel broke");
        }
    });
    Response::new(Body::empty())
}

fn knows(key: &str, headers: &HeaderMap) -> bool {
    let given = headers.get(PROXY_AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Basic "));
    let given = given.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    given.ct_eq(format!("{USER}:{key}").as_bytes()).into()
}

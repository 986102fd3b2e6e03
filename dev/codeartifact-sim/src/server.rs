//! The server: its configuration, its routes, its start and end.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::pack::{self, Package};
use crate::state::{App, Recorded};
use crate::{api, npm, pypi};

/// How long a stop waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the server is set up.
#[derive(Clone)]
pub struct Config {
    /// The domain.
    pub domain: String,
    /// The account that owns it.
    pub owner: String,
    /// The repository.
    pub repository: String,
    /// Tells the time.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "local".to_owned(),
            owner: "000000000000".to_owned(),
            repository: "packages".to_owned(),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl Config {
    /// The repository's ARN, in a region.
    pub fn arn(&self, region: &str) -> String {
        format!("arn:aws:codeartifact:{region}:{}:repository/{}/{}", self.owner, self.domain, self.repository)
    }

    /// The ARN of the bucket that would hold contents. Here they are at the server itself.
    pub const fn bucket_arn(&self) -> &'static str {
        "arn:aws:s3:::assets-local"
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("domain", &self.domain)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

/// A running server. Dropping it stops it without waiting.
pub struct Running {
    app: Arc<App>,
    task: JoinHandle<io::Result<()>>,
    stop: DropGuard,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({})", self.app.address)
    }
}

/// Starts the server on a free port of 127.0.0.1.
///
/// # Errors
/// When no port can be had.
pub async fn start(config: Config) -> io::Result<Running> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let stop = CancellationToken::new();
    let app = Arc::new(App::new(config, format!("http://{}", listener.local_addr()?)));
    let router = Router::new()
        .route("/v1/authorization-token", post(api::token))
        .route("/v1/repository/endpoint", get(api::endpoint))
        .route("/npm/{repository}/{*rest}", get(npm::read))
        .route("/pypi/{repository}/{*rest}", get(pypi::read))
        .route("/contents/{digest}", get(npm::contents))
        .fallback(async || not_found())
        .with_state(app.clone());
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    Ok(Running { app, task: tokio::spawn(serve.into_future()), stop: stop.drop_guard() })
}

impl Running {
    /// The server's address, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.app.address
    }

    /// How it was set up.
    pub fn config(&self) -> &Config {
        &self.app.config
    }

    /// Publishes an npm package.
    pub fn publish_npm(&self, package: Package) {
        self.app.state().npm.entry(package.name.clone()).or_default().push(package);
    }

    /// Publishes a wheel.
    pub fn publish_wheel(&self, package: Package) {
        self.app.state().pypi.entry(package.name.clone()).or_default().push(package);
    }

    /// Publishes every package of a folder: `npm/*` and `pypi/*`. What it published before stays.
    ///
    /// # Errors
    /// A folder is no package.
    pub fn publish_folder(&self, folder: &Path) -> Result<()> {
        for package in packages(&folder.join("npm"), pack::npm)? {
            self.publish_npm(package);
        }
        for package in packages(&folder.join("pypi"), pack::wheel)? {
            self.publish_wheel(package);
        }
        Ok(())
    }

    /// Every token that was given, and when it ends.
    pub fn tokens(&self) -> BTreeMap<String, Timestamp> {
        self.app.state().tokens.clone()
    }

    /// The requests to the registries so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.app.state().recorded.clone()
    }

    /// Stops it, and waits a little for answers that are under way.
    pub async fn shutdown(self) {
        drop(self.stop);
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            tracing::debug!("some answers were cut off");
        }
    }
}

fn packages(folder: &Path, pack: impl Fn(&Path) -> Result<Package>) -> Result<Vec<Package>> {
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| pack(&entry?.path())).collect()
}

pub(crate) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is no such package\n").into_response()
}

pub(crate) fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"codeartifact\"")], "a token is needed\n")
        .into_response()
}

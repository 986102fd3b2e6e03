//! The npm registry's protocol.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::pack::Package;
use crate::server::not_found;
use crate::state::App;

/// A package's description, or one of its archives: `NAME`, `@SCOPE/NAME`, or either with `/-/FILE`.
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Path((repository, rest)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = app.refuses(&repository, uri.path(), &headers) {
        return refusal;
    }
    let (name, file) = rest.split_once("/-/").map_or((rest.as_str(), None), |(name, file)| (name, Some(file)));
    let state = app.state();
    let Some(packages) = state.npm.get(name) else { return not_found() };
    match file {
        None => Json(description(&app, name, packages)).into_response(),
        Some(file) => match packages.iter().find(|package| package.file == file) {
            // The service sends its readers to where it keeps contents.
            Some(package) => Redirect::temporary(&app.content_address(&package.bytes)).into_response(),
            None => not_found(),
        },
    }
}

fn description(app: &App, name: &str, packages: &[Package]) -> Value {
    let mut versions = Map::new();
    for package in packages {
        let mut version = package.manifest.clone().unwrap_or_default();
        version["dist"] = json!({
            "tarball": format!("{}/npm/{}/{name}/-/{}", app.address, app.config.repository, package.file),
            "integrity": format!("sha512-{}", STANDARD.encode(Sha512::digest(&package.bytes))),
        });
        versions.insert(package.version.clone(), version);
    }
    let latest = packages.last().map(|package| &package.version);
    json!({"name": name, "dist-tags": {"latest": latest}, "versions": versions})
}

impl App {
    /// Where contents are, under an address that is its own credential.
    pub(crate) fn content_address(&self, bytes: &[u8]) -> String {
        format!("{}/contents/{}", self.address, hex::encode(Sha256::digest(bytes)))
    }
}

/// Contents by digest. Like a presigned address, it refuses whoever shows another credential only in the real service:
/// here both have one host, and clients may show it their token.
pub(crate) async fn contents(State(app): State<Arc<App>>, Path(digest): Path<String>) -> Response {
    let state = app.state();
    let mut packages = state.npm.values().flatten();
    match packages.find(|package| hex::encode(Sha256::digest(&package.bytes)) == digest) {
        Some(package) => {
            (StatusCode::OK, [("content-type", "application/octet-stream")], package.bytes.clone()).into_response()
        }
        None => not_found(),
    }
}

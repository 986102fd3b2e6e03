//! The simple repository API (PEP 503).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, html};
use sha2::{Digest as _, Sha256};

use crate::server::not_found;
use crate::state::App;

/// `simple/NAME/`, or `simple/NAME/VERSION/FILE`.
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Path((repository, rest)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = app.refuses(&repository, uri.path(), &headers) {
        return refusal;
    }
    let state = app.state();
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        ["simple", name] => {
            let Some(packages) = state.pypi.get(*name) else { return not_found() };
            let link = |version: &str, file: &str, bytes: &[u8]| {
                let digest = hex::encode(Sha256::digest(bytes));
                format!("{}/pypi/{repository}/simple/{name}/{version}/{file}#sha256={digest}", app.address)
            };
            let page = html! {
                (DOCTYPE)
                html {
                    head { title { "Links for " (name) } }
                    body { @for package in packages {
                        a href=(link(&package.version, &package.file, &package.bytes)) { (package.file) } br;
                    } }
                }
            };
            Html(page.into_string()).into_response()
        }
        ["simple", name, version, file] => {
            let mut packages = state.pypi.get(*name).into_iter().flatten();
            match packages.find(|package| package.version == *version && package.file == *file) {
                Some(package) => {
                    (StatusCode::OK, [("content-type", "application/octet-stream")], package.bytes.clone())
                        .into_response()
                }
                None => not_found(),
            }
        }
        _ => not_found(),
    }
}

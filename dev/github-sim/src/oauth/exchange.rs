//! `POST /login/oauth/access_token`: a code becomes a token. Refusals are answers of status 200 with an error in them.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::sim::Sim;

/// Where GitHub's refusals point to.
const DOCS: &str =
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Exchange {
    client_id: String,
    client_secret: String,
    code: String,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
}

/// A refusal: the error's name and what it means.
type Refusal = (&'static str, &'static str);

const CREDENTIALS: Refusal =
    ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
const CODE: Refusal = ("bad_verification_code", "The code passed is incorrect or expired.");
const REDIRECT: Refusal =
    ("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.");

pub(super) async fn exchange(
    State(sim): State<Arc<Sim>>,
    headers: HeaderMap,
    Form(request): Form<Exchange>,
) -> Response {
    let wants_json = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("json"));
    let pairs = match granted(&sim, &request) {
        Ok((token, scopes)) => {
            vec![("access_token", token), ("scope", scopes.join(",")), ("token_type", "bearer".to_owned())]
        }
        Err((error, description)) => vec![
            ("error", error.to_owned()),
            ("error_description", description.to_owned()),
            ("error_uri", format!("{DOCS}#{}", error.replace('_', "-"))),
        ],
    };
    if wants_json {
        let object: serde_json::Map<_, _> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        return Json(object).into_response();
    }
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    ([(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"))], text)
        .into_response()
}

fn granted(sim: &Sim, request: &Exchange) -> Result<(String, Vec<String>), Refusal> {
    let app = sim.oauth.app(&request.client_id).ok_or(CREDENTIALS)?;
    let secret = app.client_secret.expose_secret().as_bytes();
    verify_slices_are_equal(secret, request.client_secret.as_bytes()).map_err(|_| CREDENTIALS)?;
    let code = sim.oauth.take(&request.code, sim.clock.now()).ok_or(CODE)?;
    if request.redirect_uri.as_ref().is_some_and(|uri| *uri != code.redirect_uri) {
        return Err(REDIRECT);
    }
    let verified = match (&code.challenge, &request.code_verifier) {
        (None, _) => true,
        (Some(challenge), Some(verifier)) => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == *challenge,
        (Some(_), None) => false,
    };
    if !verified {
        return Err(CODE);
    }
    let scopes = code.scopes.clone();
    Ok((sim.oauth.mint(code), scopes))
}

//! From the `Authorization` header to an identity.

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;

use super::jwt;
use crate::error::{ApiError, ApiResult};
use crate::oauth::UserToken;
use crate::sim::Sim;
use crate::state::InstallationToken;

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// Nobody: no header.
    Anonymous,
    /// The app itself, by its JWT.
    App,
    /// The app on one account, by an installation token.
    Installation(Box<InstallationToken>),
    /// A person, by a personal token.
    User(String),
    /// A person, by a token that they let an OAuth app have.
    Oauth(UserToken),
}

impl Identity {
    /// Reads the header.
    ///
    /// # Errors
    /// 401 for a token that is unknown, expired, wrongly signed or malformed.
    pub(crate) fn from_headers(sim: &Sim, headers: &HeaderMap) -> ApiResult<Self> {
        let Some(header) = headers.get(AUTHORIZATION) else { return Ok(Self::Anonymous) };
        let header = header.to_str().map_err(|_| ApiError::bad_credentials())?;
        let (scheme, rest) = header.split_once(' ').ok_or_else(ApiError::bad_credentials)?;
        let token = match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => rest.trim().to_owned(),
            "basic" => basic_password(rest).ok_or_else(ApiError::bad_credentials)?,
            _ => return Err(ApiError::bad_credentials()),
        };
        if token.starts_with("eyJ") {
            jwt::verify(sim, &token)?;
            return Ok(Self::App);
        }
        if token.starts_with("ghs_") {
            let known = sim.store.read(|s| s.tokens.get(&token).cloned());
            let live = known.filter(|t| t.expires_at > sim.clock.now());
            return live.map(|t| Self::Installation(Box::new(t))).ok_or_else(ApiError::bad_credentials);
        }
        if token.starts_with("gho_") {
            return sim.oauth.user_token(&token).map(Self::Oauth).ok_or_else(ApiError::bad_credentials);
        }
        let personal = sim.config.personal_tokens.iter().find(|t| t.token.expose_secret() == token);
        personal.map(|t| Self::User(t.login.clone())).ok_or_else(ApiError::bad_credentials)
    }

    /// A key for the caller's rate limit and log lines; never a secret.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::App => "app".to_owned(),
            Self::Installation(token) => format!("installation {}", token.installation),
            Self::User(login) => format!("user {login}"),
            Self::Oauth(token) => format!("user {} by the OAuth app", token.login),
        }
    }
}

/// The password of HTTP Basic; Git clients put the token there.
fn basic_password(encoded: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

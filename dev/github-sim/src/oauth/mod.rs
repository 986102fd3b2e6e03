//! Signing in elsewhere with an account of here: GitHub's web application flow for OAuth apps, with PKCE.
//!
//! A person says on a page who they are; a code goes to the app's registered callback; the app turns it into a token
//! that reads the person's own data. Codes and tokens live in memory: a restart ends them.

mod exchange;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};

use crate::auth::random_text;
use crate::config::{OauthApp, OrganizationConfig};
use crate::sim::Sim;

/// How long a code waits to be exchanged.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The call by which an app exchanges a code.
pub(crate) fn router() -> Router<Arc<Sim>> {
    Router::new().route("/login/oauth/access_token", post(exchange::exchange))
}

/// The app, its codes and tokens, and the organizations that people belong to.
#[derive(Debug)]
pub(crate) struct Oauth(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    app: Option<OauthApp>,
    organizations: Vec<OrganizationConfig>,
    codes: HashMap<String, Code>,
    tokens: HashMap<String, UserToken>,
}

/// A person's consent, on its way to the app.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// Who consents.
    pub(crate) login: String,
    /// To what, in the app's order.
    pub(crate) scopes: Vec<String>,
    /// Where the code was sent.
    pub(crate) redirect_uri: String,
    /// The S256 challenge, where there is one.
    pub(crate) challenge: Option<String>,
    /// When it is too late.
    pub(crate) expires_at: Timestamp,
}

/// A token that reads a person's own data.
#[derive(Clone, Debug)]
pub(crate) struct UserToken {
    /// Whose.
    pub(crate) login: String,
    /// Which of it.
    pub(crate) scopes: Vec<String>,
}

impl UserToken {
    /// Whether one of these scopes was given.
    pub(crate) fn has(&self, any_of: &[&str]) -> bool {
        self.scopes.iter().any(|scope| any_of.contains(&scope.as_str()))
    }
}

impl Oauth {
    pub(crate) fn new(app: Option<OauthApp>, organizations: Vec<OrganizationConfig>) -> Self {
        Self(Mutex::new(Inner { app, organizations, codes: HashMap::new(), tokens: HashMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_app(&self, app: Option<OauthApp>) {
        self.lock().app = app;
    }

    /// The app with this client id.
    pub(crate) fn app(&self, client_id: &str) -> Option<OauthApp> {
        self.lock().app.clone().filter(|app| app.client_id == client_id)
    }

    pub(crate) fn set_organizations(&self, organizations: Vec<OrganizationConfig>) {
        self.lock().organizations = organizations;
    }

    pub(crate) fn organizations(&self) -> Vec<OrganizationConfig> {
        self.lock().organizations.clone()
    }

    /// Notes a consent and returns its code.
    pub(crate) fn consent(&self, now: Timestamp, code: Code) -> String {
        let text = random_text(20).to_ascii_lowercase();
        let mut inner = self.lock();
        inner.codes.retain(|_, code| code.expires_at > now);
        inner.codes.insert(text.clone(), Code { expires_at: now + CODE_LIFETIME, ..code });
        text
    }

    /// Takes a code, which is then used up, whatever becomes of it.
    fn take(&self, code: &str, now: Timestamp) -> Option<Code> {
        self.lock().codes.remove(code).filter(|code| code.expires_at > now)
    }

    fn mint(&self, code: Code) -> String {
        let text = format!("gho_{}", random_text(36));
        self.lock().tokens.insert(text.clone(), UserToken { login: code.login, scopes: code.scopes });
        text
    }

    /// What a token stands for.
    pub(crate) fn user_token(&self, text: &str) -> Option<UserToken> {
        self.lock().tokens.get(text).cloned()
    }
}

//! What the service remembers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use crate::pack::Package;
use crate::server::{Config, not_found, unauthorized};

/// A request to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its path.
    pub path: String,
    /// Whether it came with a valid token.
    pub authorized: bool,
}

/// What all requests share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) address: String,
    state: Mutex<State>,
}

/// What changes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) npm: BTreeMap<String, Vec<Package>>,
    pub(crate) pypi: BTreeMap<String, Vec<Package>>,
    pub(crate) tokens: BTreeMap<String, Timestamp>,
    pub(crate) recorded: Vec<Recorded>,
}

impl App {
    pub(crate) fn new(config: Config, address: String) -> Self {
        Self { config, address, state: Mutex::default() }
    }

    /// A panic elsewhere cannot leave this state half changed: every change is one call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.clock)()
    }

    /// A new token, and when it ends.
    pub(crate) fn give_token(&self, life: SignedDuration) -> (String, Timestamp) {
        let token = format!("sim-{}", hex::encode(rand::random::<[u8; 24]>()));
        let end = self.now().saturating_add(life).unwrap_or(Timestamp::MAX);
        self.state().tokens.insert(token.clone(), end);
        (token, end)
    }

    /// Why a reader of a repository is not let in.
    pub(crate) fn refuses(&self, repository: &str, path: &str, headers: &HeaderMap) -> Option<Response> {
        if !self.admit(path, headers) {
            Some(unauthorized())
        } else if repository == self.config.repository {
            None
        } else {
            Some(not_found())
        }
    }

    /// Whether a request shows a token that still lives, as `Bearer` or as the password of `aws`; it is remembered.
    fn admit(&self, path: &str, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let basic = || {
            let pair = String::from_utf8(STANDARD.decode(given.strip_prefix("Basic ")?).ok()?).ok()?;
            pair.strip_prefix("aws:").map(str::to_owned)
        };
        let token = given.strip_prefix("Bearer ").map(str::to_owned).or_else(basic).unwrap_or_default();
        let now = self.now();
        let mut state = self.state();
        let authorized = state.tokens.get(&token).is_some_and(|end| *end > now);
        state.recorded.push(Recorded { path: path.to_owned(), authorized });
        authorized
    }
}

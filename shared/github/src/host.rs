//! A GitHub, and a GitHub with a credential.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use domain::Repository;
use domain::failure::Failure;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::GithubError;
use crate::renewal::Renewal;
use crate::repo::Repo;
use crate::retry::RetryPolicy;
use crate::transport::Transport;

/// The API of github.com.
pub const DEFAULT_API_URL: &str = "https://api.github.com";

/// One GitHub: github.com, or an Enterprise server by its API's address (`https://host/api/v3`). Holds the
/// connections; build one per process, inside a Tokio runtime.
#[derive(Clone)]
pub struct Host {
    pub(crate) transport: Transport,
    retry: RetryPolicy,
}

impl Host {
    /// The GitHub whose API is at `api_url`.
    ///
    /// # Errors
    /// [`GithubError::Setup`] for an address that cannot be one.
    pub fn new(api_url: &str) -> Result<Self, GithubError> {
        Ok(Self { transport: Transport::new(api_url)?, retry: RetryPolicy::default() })
    }

    /// The same host with other bounds for repeats.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// This host with an installation's or a person's token.
    ///
    /// # Errors
    /// [`GithubError::Setup`] when the token cannot stand in a header.
    pub fn with_token(&self, token: SecretString) -> Result<Github, GithubError> {
        let usable = |byte: u8| byte.is_ascii_graphic();
        if token.expose_secret().is_empty() || !token.expose_secret().bytes().all(usable) {
            return Err(GithubError::Setup("the token is empty or has characters that no token has".to_owned()));
        }
        Ok(self.with_auth(AuthState::AccessToken { token }))
    }

    /// This host with tokens from `tokens`, which is called with no token at first, and with the token that GitHub no
    /// longer accepts when that happens: once, as a new token that is refused too tells of another trouble.
    ///
    /// # Errors
    /// [`GithubError::Token`] when no token could be had; [`GithubError::Setup`] when it cannot stand in a header.
    pub async fn with_tokens<Tokens, Token>(&self, tokens: Tokens) -> Result<Github, GithubError>
    where
        Tokens: Fn(Option<SecretString>) -> Token + Send + Sync + 'static,
        Token: Future<Output = Result<SecretString, Failure>> + Send + 'static,
    {
        let first = tokens(None).await.map_err(GithubError::Token)?;
        let github = self.with_token(first.clone())?;
        Ok(Github { renewal: Some(Arc::new(Renewal::new(self.clone(), first, tokens))), ..github })
    }

    pub(crate) fn with_auth(&self, auth: AuthState) -> Github {
        let Ok(octocrab) = OctocrabBuilder::new_empty().with_service(self.transport.clone()).with_auth(auth).build();
        Github { octocrab, transport: self.transport.clone(), retry: Arc::new(self.retry), renewal: None }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// A GitHub with a credential. Cheap to clone.
#[derive(Clone)]
pub struct Github {
    pub(crate) octocrab: Octocrab,
    pub(crate) transport: Transport,
    pub(crate) retry: Arc<RetryPolicy>,
    pub(crate) renewal: Option<Arc<Renewal>>,
}

impl Github {
    /// One repository of it.
    pub fn repo(&self, repository: &Repository) -> Repo {
        Repo::new(self.clone(), repository.clone())
    }
}

impl fmt::Debug for Github {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Github").field("retry", &self.retry).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_token_shows_in_debug_and_bad_ones_are_refused() {
        let host = Host::new(DEFAULT_API_URL).unwrap();
        let token = format!("ghs_{}", "a1B2".repeat(9));
        let github = host.with_token(token.clone().into()).unwrap();
        let shown = format!("{github:?} {:?} {host:?}", github.repo(&"acme/app".parse().unwrap()));
        assert!(!shown.contains(&token), "{shown}");
        for bad in ["", "a b", "a\nb", "ü"] {
            assert!(host.with_token(bad.into()).is_err(), "{bad:?}");
        }
    }
}

//! Another token in the place of one that GitHub no longer accepts.

use std::future::Future;

use domain::failure::Failure;
use futures::future::{BoxFuture, FutureExt as _};
use octocrab::Octocrab;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::error::GithubError;
use crate::host::Host;

type Tokens = dyn Fn(Option<SecretString>) -> BoxFuture<'static, Result<SecretString, Failure>> + Send + Sync;

/// The token that a client began with, where the next one comes from, and that next one's client. There is one next
/// one at most, however many calls at a time find the first one refused.
pub(crate) struct Renewal {
    host: Host,
    first: SecretString,
    tokens: Box<Tokens>,
    second: OnceCell<Octocrab>,
}

impl Renewal {
    pub(crate) fn new<Source, Token>(host: Host, first: SecretString, tokens: Source) -> Self
    where
        Source: Fn(Option<SecretString>) -> Token + Send + Sync + 'static,
        Token: Future<Output = Result<SecretString, Failure>> + Send + 'static,
    {
        let tokens: Box<Tokens> = Box::new(move |rejected| tokens(rejected).boxed());
        Self { host, first, tokens, second: OnceCell::new() }
    }

    /// The client with the second token, if the first one was refused already.
    pub(crate) fn renewed(&self) -> Option<&Octocrab> {
        self.second.get()
    }

    /// The client with the second token, which is fetched if nobody has.
    pub(crate) async fn renew(&self) -> Result<&Octocrab, GithubError> {
        let fetch = async || {
            tracing::info!("GitHub no longer accepts the token; another one is fetched");
            let token = (self.tokens)(Some(self.first.clone())).await.map_err(GithubError::Token)?;
            Ok(self.host.with_token(token)?.octocrab)
        };
        self.second.get_or_try_init(fetch).await
    }
}

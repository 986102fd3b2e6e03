//! The function over one world, and a caller.

use std::sync::Arc;
use std::time::Duration;

use domain::code_host::{TokenAnswer, TokenRequest};
use domain::failure::Failure;
use domain::{Digest, Timestamp};
use github::{Host, Repo, RetryPolicy};
use github_auth::{Context, Grant};
use github_sim::NewRepo;
use runtime::Invoker;
use serde_json::Value;
use testkit::{CodeHost, Functions, World};

pub(crate) const WRITE: Grant = Grant::Write { workflow_files: false };

/// One deployed entry, and a GitHub with `acme/web` and `acme/other`.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) host: CodeHost,
    pub(crate) context: Arc<Context>,
    /// When the desk was opened, by the clock of the GitHub.
    pub(crate) opened: Timestamp,
    functions: Functions,
    invoker: Invoker,
}

impl Desk {
    /// With the App's credentials.
    pub(crate) async fn start(grant: Grant) -> Self {
        Self::start_with(grant, &CodeHost::credentials(), |_| {}).await
    }

    /// With other ones, configured otherwise.
    pub(crate) async fn start_with(grant: Grant, credentials: &Value, change: impl FnOnce(&mut Context)) -> Self {
        let world = World::start().await;
        let host = CodeHost::start_with_app(&[("README.md", "# Web\n")]).await;
        host.sim.create_repo(NewRepo::new("acme", "other").file("a", "a")).await.unwrap();
        let mut context = world.github_auth_function(&host, credentials, grant);
        context.host = Host::new(&host.api_url()).unwrap().with_retry(quick());
        change(&mut context);
        let functions = Functions::start().await;
        let invoker = functions.invoker(&world.aws);
        // An App's token of itself is made by the system's clock, so the GitHub's stands by that too.
        let opened = Timestamp::now();
        Self { world, host, context: Arc::new(context), opened, functions, invoker }
    }

    /// Asks for a token when the desk was opened.
    pub(crate) async fn ask(&self, repository: &str) -> Result<TokenAnswer, Failure> {
        self.ask_at(self.opened, repository).await
    }

    pub(crate) async fn ask_at(&self, now: Timestamp, repository: &str) -> Result<TokenAnswer, Failure> {
        self.send(now, &TokenRequest { repository: repository.parse().unwrap(), rejected: None }).await
    }

    /// Asks for another token than this one.
    pub(crate) async fn ask_after(&self, rejected: &TokenAnswer, repository: &str) -> Result<TokenAnswer, Failure> {
        let rejected = Some(Digest::of(&rejected.token));
        self.send(self.opened, &TokenRequest { repository: repository.parse().unwrap(), rejected }).await
    }

    pub(crate) async fn send<R: serde::Serialize + Sync>(
        &self,
        now: Timestamp,
        request: &R,
    ) -> Result<TokenAnswer, Failure> {
        self.functions.serve_github_auth(&self.context, now);
        self.invoker.call(Functions::GITHUB_AUTH, request).await
    }

    /// The repository as whoever has the token sees it.
    pub(crate) fn repo(&self, token: &TokenAnswer, repository: &str) -> Repo {
        let github = self.context.host.with_token(token.token.clone().into()).unwrap();
        github.repo(&repository.parse().unwrap())
    }

    /// How many tokens the GitHub was asked for.
    pub(crate) fn minted(&self) -> usize {
        self.host.sim.calls().iter().filter(|call| call.path.ends_with("/access_tokens")).count()
    }
}

/// Repeats without waiting.
pub(crate) fn quick() -> RetryPolicy {
    let pause = Duration::from_millis(1);
    RetryPolicy { repeats: 1, first_pause: pause, longest_pause: pause, longest_rate_limit: pause }
}

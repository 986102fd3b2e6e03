//! Starting and stopping the server, and what its owner can do with it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::middleware::from_fn;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::api::{self, Call};
use crate::checks::{self, NewCheckRun, NewStatus};
use crate::config::{Config, OauthApp, OrganizationConfig, WebhookConfig};
use crate::control;
use crate::error::ApiResult;
use crate::faults::Fault;
use crate::listener::{CutSwitch, CuttableListener};
use crate::local;
use crate::names::{RepoName, Sha};
use crate::oauth;
use crate::pages;
use crate::pulls::{self, Edit, MergeMethod, MergeRequest, NewReview, NewReviewComment};
use crate::repos::{self, NewPush, NewRepo, as_person};
use crate::sim::Sim;
use crate::state::{Protection, Review};
use crate::view::Links;
use crate::webhooks::{self, Delivery};

/// Connections that are still busy get this long at shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// The simulator.
#[derive(Debug)]
pub struct GithubSim;

impl GithubSim {
    /// Binds the address, opens the state folder and serves until [`Running::shutdown`].
    ///
    /// # Errors
    /// When the address is taken, the state folder cannot be used, or `git` is missing.
    pub async fn start(config: Config) -> anyhow::Result<Running> {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}; choose another address or port 0", config.listen))?;
        let address = listener.local_addr().context("the listening address is unknown")?;
        check_git().await?;
        let sim = Arc::new(Sim::open(config, Links::new(format!("http://{address}")))?);
        let (stop, stopped) = oneshot::channel::<()>();
        let app = router(&sim).into_make_service_with_connect_info::<CutSwitch>();
        let server = tokio::spawn(async move {
            let signal = async {
                // Either a message or the owner's end: both mean stop.
                if stopped.await.is_err() {
                    tracing::debug!("the simulator's owner is gone");
                }
            };
            let served = axum::serve(CuttableListener(listener), app).with_graceful_shutdown(signal).await;
            if let Err(error) = served {
                tracing::error!(%error, "the simulator's server ended");
            }
        });
        let sender = tokio::spawn(webhooks::run(Arc::clone(&sim)));
        let saver = {
            let sim = Arc::clone(&sim);
            tokio::spawn(async move { sim.store.run_saver().await })
        };
        Ok(Running { sim, stop: Some(stop), server, background: [sender, saver] })
    }
}

async fn check_git() -> anyhow::Result<()> {
    let output = tokio::process::Command::new("git").arg("--version").output().await;
    let output = output.context("git is not installed or not on PATH")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(2).unwrap_or_default();
    let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    anyhow::ensure!((major, minor) >= (2, 40), "git 2.40 or newer is needed, this is {version}");
    Ok(())
}

fn router(sim: &Arc<Sim>) -> Router {
    Router::new()
        .nest("/api/v3", api::mounted(sim))
        .merge(api::merged(sim))
        .nest("/_sim", control::router().layer(from_fn(local::only)))
        .merge(pages::router().layer(from_fn(local::only)))
        .merge(oauth::router())
        .with_state(Arc::clone(sim))
}

/// A running simulator. Dropping it stops it; [`Running::shutdown`] does so gracefully and saves the state.
#[derive(Debug)]
pub struct Running {
    sim: Arc<Sim>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    background: [JoinHandle<()>; 2],
}

impl Running {
    /// The base of the REST API: `http://127.0.0.1:PORT/api/v3`.
    pub fn api_base(&self) -> String {
        self.sim.links.api_base()
    }

    /// The origin of the pages and of `/_sim`.
    pub fn html_base(&self) -> &str {
        self.sim.links.html_base()
    }

    /// Makes a repository and returns its initial commit.
    ///
    /// # Errors
    /// 422 for a bad name, branch or path, a name that is taken, or a folder that cannot be read.
    pub async fn create_repo(&self, new: NewRepo) -> ApiResult<Sha> {
        repos::create(&self.sim, new).await
    }

    /// Makes a repository from the files of a folder.
    ///
    /// # Errors
    /// 422 for a bad name, branch or path, a name that is taken, or a folder that cannot be read.
    pub async fn create_repo_from_dir(
        &self,
        owner: &str,
        name: &str,
        dir: impl Into<std::path::PathBuf>,
    ) -> ApiResult<Sha> {
        self.create_repo(NewRepo::new(owner, name).from_dir(dir)).await
    }

    /// Pushes one commit to a branch, as a person.
    ///
    /// # Errors
    /// 404 for an unknown repository, 422 for an unknown account, a bad branch, path or starting point.
    pub async fn push(&self, repo: &RepoName, new: NewPush) -> ApiResult<Sha> {
        repos::push_commit(&self.sim, repo, new).await
    }

    /// Reviews a pull request as a person (`None`: the configured one).
    ///
    /// # Errors
    /// 404 for an unknown number, 422 for an unknown account or event, the own pull request, or a missing text.
    pub async fn review(
        &self,
        repo: &RepoName,
        number: u64,
        login: Option<&str>,
        event: &str,
        body: &str,
    ) -> ApiResult<Review> {
        let access = as_person(&self.sim, repo, login)?;
        let new = NewReview { event: Some(event.to_owned()), body: Some(body.to_owned()), ..NewReview::default() };
        pulls::submit(&self.sim, &access, number, new).await
    }

    /// The number of an account; that of a deleted one, if there is no such account.
    pub fn user_id(&self, login: &str) -> u64 {
        self.sim.user(login).id
    }

    /// Asks for changes as a person, with a word on one line.
    ///
    /// # Errors
    /// As [`Running::review`]; 422 for a file that the pull request does not change.
    pub async fn review_line(
        &self,
        repo: &RepoName,
        number: u64,
        login: Option<&str>,
        (path, line): (&str, u64),
        body: &str,
    ) -> ApiResult<Review> {
        let access = as_person(&self.sim, repo, login)?;
        let comment = NewReviewComment { path: path.to_owned(), body: body.to_owned(), line: Some(line) };
        let event = Some("REQUEST_CHANGES".to_owned());
        let new = NewReview { event, comments: vec![comment], ..NewReview::default() };
        pulls::submit(&self.sim, &access, number, new).await
    }

    /// Merges a pull request as a person and returns the commit.
    ///
    /// # Errors
    /// 405 when it cannot be merged (closed, draft, conflict, protection, method), 409 when the base moved.
    pub async fn merge(
        &self,
        repo: &RepoName,
        number: u64,
        login: Option<&str>,
        method: MergeMethod,
    ) -> ApiResult<Sha> {
        let access = as_person(&self.sim, repo, login)?;
        let request = MergeRequest { merge_method: method, ..MergeRequest::default() };
        pulls::merge(&self.sim, &access, number, request).await
    }

    /// Closes a pull request without merging.
    ///
    /// # Errors
    /// 404 for an unknown number, 422 for a change that is not possible.
    pub async fn close(&self, repo: &RepoName, number: u64, login: Option<&str>) -> ApiResult<()> {
        let access = as_person(&self.sim, repo, login)?;
        let edit = Edit { state: Some("closed".to_owned()), ..Edit::default() };
        pulls::edit(&self.sim, &access, number, edit).await
    }

    /// Reports a check run.
    ///
    /// # Errors
    /// 404 for an unknown repository, 422 for an unknown commit or conclusion.
    pub async fn report_check_run(&self, repo: &RepoName, new: NewCheckRun) -> ApiResult<()> {
        checks::report_run(&self.sim, repo, new).await.map(drop)
    }

    /// Reports a commit status.
    ///
    /// # Errors
    /// 404 for an unknown repository, 422 for an unknown commit or state.
    pub async fn report_status(&self, repo: &RepoName, new: NewStatus) -> ApiResult<()> {
        checks::report_status(&self.sim, repo, new).await.map(drop)
    }

    /// Protects a branch (`None`: no longer).
    pub fn protect(&self, repo: &RepoName, branch: &str, rules: Option<Protection>) {
        self.sim.store.write(|state| {
            if let Some(repo) = state.repo_mut(repo) {
                match rules {
                    Some(rules) => repo.protections.insert(branch.to_owned(), rules),
                    None => repo.protections.remove(branch),
                };
            }
        });
    }

    /// Sends webhooks to this receiver from now on, beginning with a ping; `None`: nowhere.
    pub fn set_webhook(&self, target: Option<WebhookConfig>) {
        self.sim.webhooks.set_target(target);
        self.sim.ping();
    }

    /// Lets people sign in elsewhere through this app from now on; `None`: nowhere.
    pub fn set_oauth_app(&self, app: Option<OauthApp>) {
        self.sim.oauth.set_app(app);
    }

    /// Replaces the organizations with their members and teams, as when somebody joins or leaves.
    pub fn set_organizations(&self, organizations: Vec<OrganizationConfig>) {
        self.sim.ensure_organizations(&organizations);
        self.sim.oauth.set_organizations(organizations);
    }

    /// The delivery log, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.sim.store.read(|s| s.deliveries.clone())
    }

    /// Sends a delivery again.
    ///
    /// # Errors
    /// 404 when the log does not have it.
    pub fn redeliver(&self, id: u64) -> ApiResult<()> {
        self.sim.redeliver(id)
    }

    /// Waits until every delivery was sent or given up.
    pub async fn deliveries_idle(&self) {
        self.sim.webhooks.idle().await;
    }

    /// Ends every installation token before its time.
    pub fn revoke_tokens(&self) {
        self.sim.store.write(|state| state.tokens.clear());
    }

    /// Makes matching calls fail.
    pub fn inject(&self, fault: Fault) {
        self.sim.faults.add(fault);
    }

    /// All fault rules, with how often each has hit.
    pub fn faults(&self) -> Vec<Fault> {
        self.sim.faults.list()
    }

    /// The latest API calls.
    pub fn calls(&self) -> Vec<Call> {
        self.sim.calls.list()
    }

    /// The time in which at least one API call was being answered.
    pub fn busy(&self) -> Duration {
        self.sim.busy.total()
    }

    /// What exists, in brief.
    ///
    /// # Errors
    /// 500 when Git fails.
    pub async fn state(&self) -> ApiResult<Value> {
        control::summary(&self.sim).await
    }

    /// Lets busy connections finish for a moment, stops everything and saves the state.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn shutdown(mut self) -> anyhow::Result<()> {
        self.stop.take();
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            tracing::debug!("connections that were still open are cut");
        }
        self.sim.store.save()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        for task in &self.background {
            task.abort();
        }
    }
}

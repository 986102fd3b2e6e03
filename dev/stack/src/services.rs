//! The systems around the deployment, simulated where nothing else was asked for.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use github_sim::{AppConfig, AppKey, EmailConfig, OrganizationConfig, TeamConfig, UserConfig};

use slack_sim::Member;

use crate::settings::{
    API_APPROVER, API_LOGIN, APPROVER, CodeHost, MAINTAINER, Model, SLACK_API_MEMBER, SLACK_MEMBER, Settings,
};

/// The App's id at the simulator.
pub(crate) const APP_ID: u64 = 4711;
/// The App's name at the simulator.
const APP_SLUG: &str = "pi-tickets";
/// The token of the simulated ticket tracker.
pub(crate) const TRACKER_TOKEN: &str = "flux-lens-sim-token";
/// The client id of the OAuth app by which people sign in at the console.
pub(crate) const OAUTH_CLIENT_ID: &str = "Ov23liLocalStack";
/// Its secret.
pub(crate) const OAUTH_CLIENT_SECRET: &str = "github-sim-oauth-secret-of-the-local-stack";
/// The key of the scripted model.
pub(crate) const MODEL_KEY: &str = "model-sim-key";

/// The systems around the deployment.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) github: Option<github_sim::Running>,
    pub(crate) flux_lens: FluxLens,
    pub(crate) model: Option<ModelSim>,
    pub(crate) packages: codeartifact_sim::Running,
    pub(crate) slack: slack_sim::Slack,
    pub(crate) app_key: Option<AppKey>,
}

/// [`flux_lens_sim::Running`], which shows nothing of itself.
pub(crate) struct FluxLens(pub(crate) flux_lens_sim::Running);

impl std::fmt::Debug for FluxLens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FluxLens({})", self.0.base_url())
    }
}

/// [`model_sim::Running`], which shows nothing of itself.
pub(crate) struct ModelSim(pub(crate) model_sim::Running);

impl std::fmt::Debug for ModelSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelSim({})", self.0.base_url())
    }
}

/// Starts what is simulated.
///
/// # Errors
/// When a port or folder cannot be had.
pub(crate) async fn start(settings: &Settings) -> Result<Services> {
    let (github, app_key) = match &settings.code_host {
        CodeHost::Simulated => {
            let key = tokio::task::spawn_blocking(AppKey::generate).await??;
            let github = github(settings.folder.join("github"), &key).await?;
            (Some(github), Some(key))
        }
        CodeHost::GitHub { .. } => (None, None),
    };
    let tracker = flux_lens_sim::Config { token: TRACKER_TOKEN.to_owned(), ..flux_lens_sim::Config::default() };
    let flux_lens = FluxLens(flux_lens_sim::start(tracker).await.context("starting the Flux Lens simulator")?);
    let model = match settings.model {
        Model::Simulated => {
            let config = model_sim::Config { api_key: MODEL_KEY.to_owned(), ..model_sim::Config::default() };
            Some(ModelSim(model_sim::start(config).await.context("starting the model simulator")?))
        }
        Model::Real { .. } => None,
    };
    let packages = codeartifact_sim::Config::default();
    let packages = codeartifact_sim::start(packages).await.context("starting the CodeArtifact simulator")?;
    // One member by an id that stands in the list of approvers, the other by an address that they have confirmed.
    let members = vec![Member::new(SLACK_MEMBER, APPROVER), Member::new(SLACK_API_MEMBER, API_APPROVER)];
    let slack = slack_sim::Slack::start(members).await.context("starting the Slack simulator")?;
    Ok(Services { github, flux_lens, model, packages, slack, app_key })
}

async fn github(folder: PathBuf, key: &AppKey) -> Result<github_sim::Running> {
    let mut config = github_sim::Config::new(folder);
    config.app = Some(AppConfig::new(APP_ID, APP_SLUG, &key.public_pem));
    MAINTAINER.clone_into(&mut config.human);
    config.users = vec![account(MAINTAINER, 9001, APPROVER), account(API_LOGIN, 9002, API_APPROVER)];
    let reviewers = TeamConfig { id: 9101, slug: "reviewers".to_owned(), members: vec![MAINTAINER.to_owned()] };
    config.organizations = vec![OrganizationConfig {
        id: 9100,
        login: "acme-people".to_owned(),
        members: vec![MAINTAINER.to_owned(), API_LOGIN.to_owned()],
        teams: vec![reviewers],
    }];
    // A demonstration of many tickets is no abuse.
    config.rate_limit = 1_000_000;
    github_sim::GithubSim::start(config).await.context("starting the GitHub simulator")
}

/// An account with one verified address.
fn account(login: &str, id: u64, email: &str) -> UserConfig {
    UserConfig {
        login: login.to_owned(),
        id: Some(id),
        email: Some(email.to_owned()),
        emails: vec![EmailConfig { email: email.to_owned(), verified: true, primary: true }],
        ..UserConfig::default()
    }
}

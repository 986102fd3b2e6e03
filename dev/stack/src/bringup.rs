//! From nothing to a stack that serves, with as much as possible at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use flux_lens_sim::Endpoint;
use flux_lens_sim::signing::Scheme;
use github_sim::{OauthApp, WebhookConfig};
use indicatif::ProgressBar;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use toolchain::Toolchain;
use toolchain::engine::{Engine, EngineSettings};

use crate::aws::Aws;
use crate::build::{Programs, RUNNER, STACK};
use crate::deploy::{self, Outputs};
use crate::door::Door;
use crate::fargate::{Fargate, Host};
use crate::folder::Folder;
use crate::services::{self, APP_ID, MODEL_KEY, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, Services, TRACKER_TOKEN};
use crate::settings::{API_APPROVER, APPROVER, CodeHost, Model, ROLE_RULES, SLACK_MEMBER, Settings};
use crate::stack::{Running, Stack};
use crate::template::Template;
use crate::{secrets, sweep, warm};

/// The REST API's stage.
const STAGE: &str = "live";
/// What the scripted model is called.
const SCRIPTED_MODEL: &str = "scripted-model";

/// How long each phase of the start took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phases(pub Vec<(&'static str, Duration)>);

impl Phases {
    fn note(&mut self, name: &'static str, since: Instant) {
        let took = since.elapsed();
        tracing::debug!(phase = name, ms = took.as_millis(), "started");
        self.0.push((name, took));
    }
}

/// The keys in a webhook's secret.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct ApiToken {
    token: secrecy::SecretString,
}

/// Starts a stack. [`Stack::start`] is its public name.
pub(crate) async fn start(toolchain: &Toolchain, settings: Settings, progress: &ProgressBar) -> Result<Stack> {
    let started = Instant::now();
    let mut phases = Phases::default();
    let root = toolchain.root().to_owned();
    let template = Template::new(read(&root.join("template.yaml"))?);
    let folder = Folder::make(&settings.folder, settings.keep_folder)?;

    progress.set_message("building the programs, starting the engine and the simulators");
    let mut engine_settings = EngineSettings::new(settings.folder.join("engine"));
    engine_settings.wait_scale = settings.wait_scale;
    let functions = template.functions();
    let (programs, engine, services, door) = tokio::try_join!(
        async {
            let since = Instant::now();
            Ok((Programs::build(&root, &functions, progress).await?, since.elapsed()))
        },
        blocking({
            let root = root.clone();
            move || Ok(Engine::start(&Toolchain::at(root), &engine_settings)?)
        }),
        services::start(&settings),
        async { Ok(Door::open().await?) },
    )?;
    phases.0.push(("build", programs.1));
    let programs = programs.0.kept(&functions, &settings.folder.join("programs"))?;
    phases.note("build, engine, simulators", started);

    let since = Instant::now();
    progress.set_message("deploying the template");
    let aws = Aws::root(&engine).await;
    let (template_url, parameters) = tokio::try_join!(
        deploy::upload(&aws, &root, &template, &programs),
        parameters(&aws, &settings, &services, door.url()),
    )?;
    phases.note("upload", since);
    let since = Instant::now();
    let outputs = deploy::create(&aws, &settings.name, &template_url, &parameters, &template.parameters()).await?;
    phases.note("deployment", since);

    let since = Instant::now();
    progress.set_message("connecting the webhooks, warming the functions");
    let api = format!("{}/restapis/{}/{STAGE}/_user_request_", engine.url(), outputs.get("ApiId")?);
    door.lead_to(api);
    let api_token: ApiToken = secrets::read(&aws, outputs.get("ApiTokenSecretArn")?).await?;
    tokio::try_join!(connect(&aws, &outputs, &services, door.url()), warm::functions(&aws, &settings.name))?;
    let logs = settings.folder.join("sandboxes");
    std::fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
    let host = Host {
        cluster: outputs.get("ClusterArn")?.to_owned(),
        runner: programs.path(RUNNER),
        container: programs.path(STACK),
        logs,
        environment: image(toolchain),
    };
    let fargate = Fargate::start(aws.clone(), host);
    let sweeper = sweep::start(&aws, &settings.name).await?;
    phases.note("webhooks, functions", since);
    phases.note("all", started);
    Stack::new(Running {
        settings,
        engine,
        aws,
        outputs,
        door,
        services,
        fargate,
        sweeper,
        api_token: api_token.token,
        phases,
        folder,
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// What the template is deployed with. Secrets that exist before the deployment are made here.
async fn parameters(
    aws: &Aws,
    settings: &Settings,
    services: &Services,
    public_url: &str,
) -> Result<BTreeMap<String, String>> {
    let credentials = match (&settings.code_host, &services.app_key) {
        (CodeHost::GitHub { token, .. }, _) => json!({"kind": "token", "token": token.expose_secret()}),
        (CodeHost::Simulated, key) => {
            let key = key.as_ref().context("the App has no key")?;
            json!({"kind": "app", "app_id": APP_ID, "private_key": key.private_pem.expose_secret()})
        }
    };
    let (provider, model_url, model_key, model) = match &settings.model {
        Model::Simulated => {
            let sim = services.model.as_ref().context("the model simulator does not run")?;
            ("anthropic", sim.0.base_url(), MODEL_KEY, SCRIPTED_MODEL)
        }
        Model::Real { provider, base_url, api_key, model } => {
            (*provider, base_url.clone(), api_key.expose_secret(), model.as_str())
        }
    };
    let github_url = match (&settings.code_host, &services.github) {
        (CodeHost::GitHub { api_url, .. }, _) => api_url.clone(),
        (CodeHost::Simulated, github) => github.as_ref().context("the GitHub simulator does not run")?.api_base(),
    };
    let (tracker, model_key) = (json!({"token": TRACKER_TOKEN}), json!({"api_key": model_key}));
    let (github_arn, tracker_arn, model_arn) = tokio::try_join!(
        secrets::create(aws, "github-credentials", &credentials),
        secrets::create(aws, "flux-lens-token", &tracker),
        secrets::create(aws, "model-key", &model_key),
    )?;
    let (oauth_arn, github_pages) = match &services.github {
        Some(sim) => {
            let app = json!({"client_id": OAUTH_CLIENT_ID, "client_secret": OAUTH_CLIENT_SECRET});
            sim.set_oauth_app(Some(OauthApp {
                client_id: OAUTH_CLIENT_ID.to_owned(),
                client_secret: OAUTH_CLIENT_SECRET.into(),
                callback_url: format!("{public_url}/account/sign-in/callback"),
            }));
            (secrets::create(aws, "github-oauth", &app).await?, sim.html_base().to_owned())
        }
        None => (String::new(), "https://github.com".to_owned()),
    };
    let (slack_token, slack_signing) =
        (json!({"token": slack_sim::TOKEN}), json!({"signing_secret": slack_sim::SIGNING_SECRET}));
    let (slack_token_arn, slack_signing_arn) = tokio::try_join!(
        secrets::create(aws, "slack-token", &slack_token),
        secrets::create(aws, "slack-signing-secret", &slack_signing),
    )?;
    let slack_api = services.slack.api_url();
    let approvers = format!("{APPROVER} slack:{}/{SLACK_MEMBER},{API_APPROVER}", slack_sim::TEAM);
    let flux_lens_url = services.flux_lens.0.base_url();
    let packages = &services.packages;
    let repository = packages.config().arn(aws.region());
    let own = [
        ("CodeArtifactRepositoryArn", repository.as_str()),
        ("CodeArtifactBucketArn", packages.config().bucket_arn()),
        ("CodeArtifactEndpoint", packages.base_url()),
        ("Environment", "local"),
        ("Architecture", architecture()),
        ("DeletionProtection", "false"),
        ("PublicBaseUrl", public_url),
        ("FluxLensBaseUrl", &flux_lens_url),
        ("FluxLensTokenSecretArn", &tracker_arn),
        ("GithubApiUrl", &github_url),
        ("GithubCredentialsSecretArn", &github_arn),
        ("ModelProvider", provider),
        ("ModelBaseUrl", &model_url),
        ("ModelSecretArn", &model_arn),
        ("PlannerModel", model),
        ("AgentModel", model),
        ("Approvers", &approvers),
        ("ApiTokenEmail", API_APPROVER),
        ("GithubUrl", &github_pages),
        ("GithubOauthSecretArn", &oauth_arn),
        ("RoleRules", ROLE_RULES),
        ("SlackTeamId", slack_sim::TEAM),
        ("SlackChannel", slack_sim::CHANNEL),
        ("SlackTokenSecretArn", &slack_token_arn),
        ("SlackSigningSecretArn", &slack_signing_arn),
        ("SlackApiUrl", &slack_api),
        // Many scenarios in one hour are no flood.
        ("SlackMessagesPerHour", "1000"),
        ("CreateMailIdentity", "true"),
        ("BuildCommit", "local"),
    ];
    let mut parameters: BTreeMap<String, String> =
        own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parameters.extend(settings.parameters.clone());
    Ok(parameters)
}

/// The processor, as Lambda calls it.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// Points the simulators' webhooks at the deployment, signed with the keys that it made.
async fn connect(aws: &Aws, outputs: &Outputs, services: &Services, public_url: &str) -> Result<()> {
    let (tracker, github): (Keys, Keys) = tokio::try_join!(
        secrets::read(aws, outputs.get("FluxLensWebhookSecretArn")?),
        secrets::read(aws, outputs.get("GithubWebhookSecretArn")?),
    )?;
    let secrets = tracker.keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?;
    services.flux_lens.0.send_webhooks_to(Some(Endpoint {
        url: format!("{public_url}/webhooks/flux-lens"),
        scheme: Scheme::Standard,
        secrets,
    }));
    if let Some(sim) = &services.github {
        let key = github.keys.into_iter().next().context("the deployment made no key for GitHub's webhooks")?;
        sim.set_webhook(Some(WebhookConfig::new(format!("{public_url}/webhooks/github"), key)));
    }
    Ok(())
}

/// What the sandboxes' image would bring along.
fn image(toolchain: &Toolchain) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = [
        ("PI_TICKETS_NODE", toolchain.node().display().to_string()),
        ("PI_TICKETS_PI", toolchain.pi_entry().display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let home = std::env::var("HOME").ok();
    let toolchains = ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "JAVA_HOME", "GOROOT", "PYENV_ROOT"];
    for name in toolchains {
        if let Ok(value) = std::env::var(name) {
            environment.insert(name.to_owned(), value);
        }
    }
    if let Some(home) = home {
        environment.entry("RUSTUP_HOME".to_owned()).or_insert_with(|| format!("{home}/.rustup"));
    }
    environment
}

//! Configuration and clients.

use domain::budget::{Budget, Prices, micro_usd};
use domain::task::{ModelTarget, Provider};
use github::Host;
use models::Connector;
use runtime::env::{ConfigError, json, optional, parsed, required};
use runtime::{Invoker, Secrets};
use store::{Objects, Store};

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The model that plans.
    pub model: ModelTarget,
    /// The secret with its API key, where the provider needs one.
    pub model_secret: Option<String>,
    /// What planning may cost per ticket, all revisions together.
    pub budget: Budget,
    /// Whether a SPEC may name files under `.github/workflows`.
    pub allow_workflow_files: bool,
    /// The function that gives read tokens.
    pub github_auth_function: String,
    /// The code host's API.
    pub github_api_url: String,
}

/// Everything a planning works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Workflows, tickets and their audit trail.
    pub store: Store,
    /// The bucket.
    pub objects: Objects,
    /// Where the model's key is read from.
    pub secrets: Secrets,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// The code host.
    pub host: Host,
    /// Connections to model providers.
    pub connector: Connector,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        let provider: Provider = serde_json::from_value(required("MODEL_PROVIDER")?.into())
            .map_err(|error| ConfigError::Invalid { name: "MODEL_PROVIDER", reason: error.to_string() })?;
        Ok(Self {
            model: ModelTarget::new(
                provider,
                optional("MODEL_BASE_URL"),
                required("PLANNER_MODEL")?,
                json::<Prices>("MODEL_PRICES")?,
            ),
            model_secret: optional("MODEL_SECRET_ARN"),
            budget: Budget {
                max_tokens: parsed("PLAN_MAX_TOKENS")?,
                max_micro_usd: micro_usd(parsed("PLAN_MAX_USD")?),
                max_turns: parsed("PLAN_MAX_TURNS")?,
            },
            allow_workflow_files: parsed("ALLOW_WORKFLOW_FILES")?,
            github_auth_function: required("GITHUB_AUTH_READ_FUNCTION")?,
            github_api_url: required("GITHUB_API_URL")?,
        })
    }
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let config = Config::from_env()?;
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        let invalid = |name, reason: String| ConfigError::Invalid { name, reason };
        Ok(Self {
            store: Store::new(dynamo, required("STATE_TABLE")?, required("AUDIT_TABLE")?),
            objects: Objects::new(Objects::client(&aws), required("BUCKET")?),
            secrets: Secrets::from_config(&aws),
            invoker: Invoker::from_config(&aws),
            host: Host::new(&config.github_api_url).map_err(|error| invalid("GITHUB_API_URL", error.to_string()))?,
            connector: Connector::from_config(&aws).map_err(|failure| invalid("MODEL_PROVIDER", failure.message))?,
            config,
        })
    }
}

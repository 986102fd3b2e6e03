//! Configuration and clients.

use domain::verify::VerifyPolicy;
use github::Host;
use runtime::Invoker;
use runtime::env::{ConfigError, parsed, required};
use store::{Objects, Store};

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where our own pages are; no slash at the end.
    pub public_base_url: String,
    /// The function that gives write tokens.
    pub github_auth_function: String,
    /// The code host's API.
    pub github_api_url: String,
    /// Whether a SPEC may name files under `.github/workflows`.
    pub allow_workflow_files: bool,
}

/// Everything a step works with.
#[derive(Debug)]
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Workflows and their audit trail.
    pub store: Store,
    /// The bucket.
    pub objects: Objects,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// The code host.
    pub host: Host,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            public_base_url: required("PUBLIC_BASE_URL")?.trim_end_matches('/').to_owned(),
            github_auth_function: required("GITHUB_AUTH_WRITE_FUNCTION")?,
            github_api_url: required("GITHUB_API_URL")?,
            allow_workflow_files: parsed("ALLOW_WORKFLOW_FILES")?,
        })
    }

    /// What a change set must keep to.
    pub(crate) const fn verify_policy(&self) -> VerifyPolicy {
        VerifyPolicy::new(self.allow_workflow_files)
    }
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let config = Config::from_env()?;
        let host = Host::new(&config.github_api_url)
            .map_err(|error| ConfigError::Invalid { name: "GITHUB_API_URL", reason: error.to_string() })?;
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        Ok(Self {
            store: Store::new(dynamo, required("STATE_TABLE")?, required("AUDIT_TABLE")?),
            objects: Objects::new(Objects::client(&aws), required("BUCKET")?),
            invoker: Invoker::from_config(&aws),
            host,
            config,
        })
    }
}

//! Configuration and clients.

use github::Host;
use runtime::Secrets;
use runtime::env::{ConfigError, parsed, parsed_or, required};

use crate::cache::TokenCache;
use crate::grant::Grant;

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// What this deployed entry's tokens may do.
    pub grant: Grant,
    /// The secret with the [`crate::Credentials`].
    pub credentials_secret: String,
    /// Whether a person's token will do: it has all of that person's rights, whatever this entry grants.
    pub allow_personal_token: bool,
    /// The code host's API.
    pub github_api_url: String,
}

/// Everything the handler works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// The code host.
    pub host: Host,
    /// Where the credential is read from.
    pub secrets: Secrets,
    /// Tokens that are still good.
    pub cache: TokenCache,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        let allow_workflow_files = parsed_or("ALLOW_WORKFLOW_FILES", false)?;
        let grant: Grant = parsed("GRANT")?;
        Ok(Self {
            grant: grant.with_workflow_files(allow_workflow_files),
            allow_personal_token: parsed_or("ALLOW_PERSONAL_TOKEN", false)?,
            credentials_secret: required("GITHUB_CREDENTIALS_SECRET_ARN")?,
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
        let host = Host::new(&config.github_api_url)
            .map_err(|error| ConfigError::Invalid { name: "GITHUB_API_URL", reason: error.to_string() })?;
        let secrets = Secrets::from_config(&runtime::aws_config().await);
        Ok(Self { config, host, secrets, cache: TokenCache::default() })
    }
}

//! Configuration.

use runtime::env::{self, ConfigError};

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `STATE_TABLE`.
    pub state_table: String,
    /// `GATES_TABLE`, read only.
    pub gates_table: String,
    /// `AUDIT_TABLE`.
    pub audit_table: String,
    /// `BUCKET`, read only.
    pub bucket: String,
    /// `AUDIT_BUCKET`, read only.
    pub audit_bucket: String,
    /// `PUBLIC_BASE_URL`: start of every link, no slash at its end.
    pub public_base_url: String,
    /// `APPROVALS_FUNCTION`.
    pub approvals_function: String,
    /// `WORKFLOW_FUNCTION`.
    pub workflow_function: String,
    /// `API_TOKEN_SECRET_ARN`: `{"token": "…", "email": "…"}`.
    pub api_token_secret_arn: String,
    /// `VIEW_KEY_SECRET_ARN`: `{"key": "…"}`, the key of signed view links, shared with `notifier`, which so needs not
    /// know the API token.
    pub view_key_secret_arn: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            state_table: env::required("STATE_TABLE")?,
            gates_table: env::required("GATES_TABLE")?,
            audit_table: env::required("AUDIT_TABLE")?,
            bucket: env::required("BUCKET")?,
            audit_bucket: env::required("AUDIT_BUCKET")?,
            public_base_url: env::required("PUBLIC_BASE_URL")?,
            approvals_function: env::required("APPROVALS_FUNCTION")?,
            workflow_function: env::required("WORKFLOW_FUNCTION")?,
            api_token_secret_arn: env::required("API_TOKEN_SECRET_ARN")?,
            view_key_secret_arn: env::required("VIEW_KEY_SECRET_ARN")?,
        })
    }
}

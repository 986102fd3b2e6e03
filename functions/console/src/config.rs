//! Configuration.

use domain::budget::{Budget, micro_usd};
use domain::role::RoleRules;
use jiff::SignedDuration;
use runtime::env::{self, ConfigError};

use crate::{Budgets, Settings};

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
    /// `CONSOLE_TABLE`: sessions and API tokens.
    pub console_table: String,
    /// `PUBLIC_BASE_URL`, `GITHUB_URL`, `APPROVAL_CODES`, `PLAN_MAX_…`, `RUN_MAX_…`, `ROLE_RULES`, `SESSION_IDLE_SECONDS`
    /// and `SESSION_SECONDS`.
    pub settings: Settings,
    /// `GITHUB_API_URL`: no slash at its end.
    pub github_api_url: String,
    /// `APPROVALS_FUNCTION`.
    pub approvals_function: String,
    /// `WORKFLOW_FUNCTION`.
    pub workflow_function: String,
    /// `SWEEPER_FUNCTION`.
    pub sweeper_function: String,
    /// `API_TOKEN_SECRET_ARN`: `{"token": "…", "email": "…"}`.
    pub api_token_secret_arn: String,
    /// `SIGNING_KEY_SECRET_ARN`: `{"key": "…"}`, from which the keys of cookies and forms follow.
    pub signing_key_secret_arn: String,
    /// `GITHUB_OAUTH_SECRET_ARN`: `{"client_id": "…", "client_secret": "…"}`; without it nobody can sign in.
    pub github_oauth_secret_arn: Option<String>,
    /// Slack, where the deployment has it.
    pub slack: Option<SlackConfig>,
}

/// How Slack is heard and called, where the deployment has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackConfig {
    /// `SLACK_SIGNING_SECRET_ARN`: `{"signing_secret": "…"}`.
    pub signing_secret_arn: String,
    /// `SLACK_TOKEN_SECRET_ARN`: `{"token": "xoxb-…"}`.
    pub token_secret_arn: String,
    /// `SLACK_TEAM_ID`: the only workspace whose members count.
    pub team: String,
    /// `SLACK_API_URL`.
    pub api_url: String,
}

impl SlackConfig {
    /// `None` without `SLACK_SIGNING_SECRET_ARN`.
    fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(signing_secret_arn) = env::optional("SLACK_SIGNING_SECRET_ARN") else { return Ok(None) };
        Ok(Some(Self {
            signing_secret_arn,
            token_secret_arn: env::required("SLACK_TOKEN_SECRET_ARN")?,
            team: env::required("SLACK_TEAM_ID")?,
            api_url: env::required("SLACK_API_URL")?,
        }))
    }
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        let settings = Settings {
            base_url: env::required("PUBLIC_BASE_URL")?,
            github_url: env::required("GITHUB_URL")?,
            // Empty rules are good rules: nobody has a role.
            codes: env::parsed("APPROVAL_CODES")?,
            budgets: Budgets {
                plan: Budget {
                    max_tokens: env::parsed("PLAN_MAX_TOKENS")?,
                    max_micro_usd: micro_usd(env::parsed("PLAN_MAX_USD")?),
                    max_turns: env::parsed("PLAN_MAX_TURNS")?,
                },
                run: Budget {
                    max_tokens: env::parsed("RUN_MAX_TOKENS")?,
                    max_micro_usd: micro_usd(env::parsed("RUN_MAX_USD")?),
                    max_turns: env::parsed("RUN_MAX_TURNS")?,
                },
            },
            role_rules: env::parsed_or("ROLE_RULES", RoleRules::default())?,
            session_idle: SignedDuration::from_secs(env::parsed("SESSION_IDLE_SECONDS")?),
            session_lifetime: SignedDuration::from_secs(env::parsed("SESSION_SECONDS")?),
        };
        Ok(Self {
            state_table: env::required("STATE_TABLE")?,
            gates_table: env::required("GATES_TABLE")?,
            audit_table: env::required("AUDIT_TABLE")?,
            bucket: env::required("BUCKET")?,
            audit_bucket: env::required("AUDIT_BUCKET")?,
            console_table: env::required("CONSOLE_TABLE")?,
            settings,
            github_api_url: env::required("GITHUB_API_URL")?,
            approvals_function: env::required("APPROVALS_FUNCTION")?,
            workflow_function: env::required("WORKFLOW_FUNCTION")?,
            sweeper_function: env::required("SWEEPER_FUNCTION")?,
            api_token_secret_arn: env::required("API_TOKEN_SECRET_ARN")?,
            signing_key_secret_arn: env::required("SIGNING_KEY_SECRET_ARN")?,
            github_oauth_secret_arn: env::optional("GITHUB_OAUTH_SECRET_ARN"),
            slack: SlackConfig::from_env()?,
        })
    }
}

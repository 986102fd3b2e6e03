//! Configuration.

use domain::failure::{Failure, FailureKind};
use domain::inbound::SecretOwner;
use runtime::Secrets;
use runtime::env::{self, ConfigError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use slack::Slack;
use store::Store;
use tickets::flux_lens::FluxLens;

use crate::access::Access;

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Config {
    /// `STATE_TABLE`.
    pub state_table: String,
    /// `GATES_TABLE`, read only.
    pub gates_table: String,
    /// `AUDIT_TABLE`, read only.
    pub audit_table: String,
    /// `BUCKET`, read only.
    pub bucket: String,
    /// `PUBLIC_BASE_URL`: start of every link, no slash at its end.
    pub public_base_url: String,
    /// `MAIL_FROM`.
    pub mail_from: String,
    /// `APPROVAL_LINKS_FUNCTION`.
    pub approval_links_function: String,
    /// Client for `FLUX_LENS_BASE_URL`, without a token yet.
    pub flux_lens: FluxLens,
    /// `FLUX_LENS_TOKEN_SECRET_ARN`: `{"token": "…"}`.
    pub flux_lens_token_secret_arn: String,
    /// Slack, where the deployment has it.
    pub slack: Option<SlackConfig>,
}

/// How Slack is reached, where the deployment has it.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    /// Client for `SLACK_API_URL`, without a token yet.
    pub client: Slack,
    /// `SLACK_TOKEN_SECRET_ARN`: `{"token": "xoxb-…"}`.
    pub token_secret_arn: String,
    /// `SLACK_QUEUE_URL`: its messages can be told to come back later.
    pub queue_url: String,
    /// Where and how much.
    pub channel: SlackChannel,
}

/// Where questions are asked in Slack, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackChannel {
    /// `SLACK_TEAM_ID`: the workspace.
    pub team: String,
    /// `SLACK_CHANNEL`: the channel's id.
    pub channel: String,
    /// `SLACK_MESSAGES_PER_HOUR`: so many questions; one line then stands for all further ones.
    pub per_hour: u32,
}

impl SlackConfig {
    /// `None` without `SLACK_TOKEN_SECRET_ARN`.
    fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(token_secret_arn) = env::optional("SLACK_TOKEN_SECRET_ARN") else { return Ok(None) };
        let name = "SLACK_API_URL";
        let client = Slack::new(&env::required(name)?, SecretString::default())
            .map_err(|error| ConfigError::Invalid { name, reason: error.to_string() })?;
        let channel = SlackChannel {
            team: env::required("SLACK_TEAM_ID")?,
            channel: env::required("SLACK_CHANNEL")?,
            per_hour: env::parsed("SLACK_MESSAGES_PER_HOUR")?,
        };
        Ok(Some(Self { client, token_secret_arn, queue_url: env::required("SLACK_QUEUE_URL")?, channel }))
    }

    /// The client with its token.
    async fn open(&self, secrets: &Secrets) -> Result<(Slack, SecretString), Failure> {
        let TokenSecret { token } = secrets.json(&self.token_secret_arn).await?;
        if token.expose_secret().is_empty() {
            return Err(Failure::new(FailureKind::Internal, "the secret with Slack's token has an empty token"));
        }
        Ok((self.client.with_token(token.clone()), token))
    }
}

#[derive(Deserialize)]
struct TokenSecret {
    token: SecretString,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        let name = "FLUX_LENS_BASE_URL";
        let flux_lens = FluxLens::new(&env::required(name)?, SecretString::default())
            .map_err(|error| ConfigError::Invalid { name, reason: error.to_string() })?;
        Ok(Self {
            state_table: env::required("STATE_TABLE")?,
            gates_table: env::required("GATES_TABLE")?,
            audit_table: env::required("AUDIT_TABLE")?,
            bucket: env::required("BUCKET")?,
            public_base_url: env::required("PUBLIC_BASE_URL")?,
            mail_from: env::required("MAIL_FROM")?,
            approval_links_function: env::required("APPROVAL_LINKS_FUNCTION")?,
            flux_lens,
            flux_lens_token_secret_arn: env::required("FLUX_LENS_TOKEN_SECRET_ARN")?,
            slack: SlackConfig::from_env()?,
        })
    }

    /// Where questions are asked in Slack, where the deployment has it.
    pub fn slack_channel(&self) -> Option<SlackChannel> {
        self.slack.as_ref().map(|slack| slack.channel.clone())
    }

    /// What the secrets open, as they are now. Notes their fingerprints, for nobody to publish one.
    ///
    /// # Errors
    /// When a secret cannot be read; Slack's is an error for Slack alone.
    pub async fn access(&self, secrets: &Secrets, store: &Store) -> Result<Access, Failure> {
        let TokenSecret { token } = secrets.json(&self.flux_lens_token_secret_arn).await?;
        if token.expose_secret().is_empty() {
            return Err(Failure::new(FailureKind::Internal, "the secret with Flux Lens's token has an empty token"));
        }
        let slack = match &self.slack {
            Some(slack) => Some(slack.open(secrets).await),
            None => None,
        };
        let mut held = vec![("the tracker's token", &token)];
        held.extend(slack.iter().flatten().map(|(_, token)| ("Slack's bot token", token)));
        let tell = async |fingerprints| store.put_known_secrets(SecretOwner::Notifier, fingerprints).await;
        secrets.announce(&held, tell).await;
        let slack = slack.map(|opened| opened.map(|(client, _)| client));
        Ok(Access { tracker: self.flux_lens.with_token(token), slack })
    }
}

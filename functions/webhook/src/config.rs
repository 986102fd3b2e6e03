//! Configuration and clients.

use std::str::FromStr;

use runtime::Secrets;
use runtime::env::{ConfigError, optional, parsed_or, required};

/// How Flux Lens signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Standard Webhooks 1.0.
    Standard,
    /// `X-Flux-Lens-Signature` over `timestamp.body`.
    Simple,
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "standard" => Ok(Self::Standard),
            "simple" => Ok(Self::Simple),
            other => Err(format!("expected `standard` or `simple`, not `{other}`")),
        }
    }
}

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The queue.
    pub queue_url: String,
    /// The secret with Flux Lens's signing keys.
    pub flux_lens_secret: String,
    /// The secret with GitHub's signing keys.
    pub github_secret: String,
    /// How Flux Lens signs.
    pub scheme: Scheme,
    /// The commit that this function was built from, for `GET /health`.
    pub commit: Option<String>,
}

/// Everything that a request works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Signing keys.
    pub secrets: Secrets,
    /// The queue.
    pub sqs: aws_sdk_sqs::Client,
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let aws = runtime::aws_config().await;
        Ok(Self {
            config: Config {
                queue_url: required("INBOUND_QUEUE_URL")?,
                flux_lens_secret: required("FLUX_LENS_SECRET_ARN")?,
                github_secret: required("GITHUB_WEBHOOK_SECRET_ARN")?,
                scheme: parsed_or("FLUX_LENS_SIGNATURE", Scheme::Standard)?,
                commit: optional("BUILD_COMMIT"),
            },
            secrets: Secrets::from_config(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
        })
    }
}

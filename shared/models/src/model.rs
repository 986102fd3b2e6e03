//! A model, and how it is reached.

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use domain::budget::Prices;
use domain::failure::{Failure, FailureKind};
use domain::task::{ModelTarget, Provider};
use secrecy::SecretString;

use crate::backend::bedrock::Bedrock;
use crate::backend::wire::{Protocol, Wire};
use crate::backend::{Answer, Ask, Backend};
use crate::conversation::Conversation;
use crate::error::ModelError;
use crate::reply::{Reply, Tokens};
use crate::retry::RetryPolicy;

/// Longest time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Holds the connections to providers: one per process, made before the first request.
pub struct Connector {
    wire: genai::Client,
    bedrock: aws_sdk_bedrockruntime::Client,
}

/// How a model is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most tokens of one answer, with reasoning.
    pub max_output_tokens: u32,
    /// Longest time without a sign of life from the provider. Bedrock answers in one piece: there it is the longest
    /// time of one call.
    pub silence: Duration,
    /// Trying again.
    pub retry: RetryPolicy,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_output_tokens: 16_000, silence: Duration::from_mins(3), retry: RetryPolicy::default() }
    }
}

impl Connector {
    /// Connections with the region and credentials of `config`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn from_config(config: &aws_config::SdkConfig) -> Result<Self, Failure> {
        let config =
            aws_sdk_bedrockruntime::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pi-tickets/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| internal(&error))?;
        let wire = genai::Client::builder().with_reqwest(http).build().map_err(|error| internal(&error))?;
        Ok(Self { wire, bedrock: aws_sdk_bedrockruntime::Client::from_conf(config) })
    }

    /// The model `target`. `key` is the provider's API key; Bedrock needs none, it uses the process's AWS role.
    ///
    /// # Errors
    /// `Internal` when the key is missing: the deployment's configuration is incomplete.
    pub fn model(&self, target: &ModelTarget, key: Option<SecretString>, settings: Settings) -> Result<Model, Failure> {
        let wire = |protocol| {
            let key = key.ok_or_else(|| {
                Failure::new(
                    FailureKind::Internal,
                    "the model provider needs an API key, but none is configured (MODEL_SECRET_ARN)",
                )
            })?;
            Ok::<_, Failure>(Backend::Wire(Wire {
                client: self.wire.clone(),
                protocol,
                base_url: target.base_url.clone(),
                model: target.model.clone(),
                key,
            }))
        };
        let backend = match target.provider {
            Provider::Anthropic => wire(Protocol::Anthropic)?,
            Provider::Openai => wire(Protocol::OpenAi)?,
            Provider::Bedrock => {
                Backend::Bedrock(Bedrock { client: self.bedrock.clone(), model: target.model.clone() })
            }
        };
        Ok(Model { backend, prices: target.prices, settings })
    }
}

fn internal(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Internal, format!("the model client could not be set up: {error}"))
}

/// A model that can be talked to.
pub struct Model {
    backend: Backend,
    prices: Prices,
    settings: Settings,
}

impl Model {
    /// Sends the conversation and waits for the answer, with bounded retries, at most until `deadline`.
    ///
    /// # Errors
    /// The last try's [`ModelError`]; [`ModelError::OutOfTime`] when the deadline comes first. What failed tries cost
    /// is not known to us: no provider says so.
    pub async fn turn(&self, conversation: &Conversation, deadline: Instant) -> Result<Reply, ModelError> {
        let ask =
            Ask { conversation, max_output_tokens: self.settings.max_output_tokens, silence: self.settings.silence };
        let tries = self.settings.retry.run(deadline, || self.backend.call(ask));
        let answer = tokio::time::timeout_at(deadline.into(), tries).await.map_err(|_| ModelError::OutOfTime)??;
        Ok(self.price(conversation, answer))
    }

    fn price(&self, conversation: &Conversation, answer: Answer) -> Reply {
        let tokens = answer.tokens.unwrap_or_else(|| {
            tracing::debug!("the provider counts no tokens; they are estimated");
            Tokens::estimate(conversation.chars(), answer.turn.chars())
        });
        let usage = self.prices.call(tokens.input, tokens.cached, tokens.output);
        Reply { turn: answer.turn, usage, stop: answer.stop }
    }
}

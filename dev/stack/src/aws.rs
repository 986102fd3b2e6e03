//! Clients of the engine, as root.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use toolchain::engine::Engine;

/// What is needed to call the engine.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    /// Stacks.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// Rows.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Sandboxes.
    pub ecs: aws_sdk_ecs::Client,
    /// Functions.
    pub lambda: aws_sdk_lambda::Client,
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Queues.
    pub queues: aws_sdk_sqs::Client,
    /// Executions of state machines.
    pub states: aws_sdk_sfn::Client,
    /// Roles' sessions.
    pub sts: aws_sdk_sts::Client,
}

impl Aws {
    /// Clients with the engine's root credentials.
    pub async fn root(engine: &Engine) -> Self {
        let root = engine.root();
        let credentials = Credentials::new(&root.access_key_id, &root.secret_access_key, None, None, "engine root");
        let config = config(engine, credentials).await;
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(
                aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build(),
            ),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            queues: aws_sdk_sqs::Client::new(&config),
            states: aws_sdk_sfn::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
        }
    }

    /// What the clients are made from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The same engine with other credentials.
    pub fn config_as(&self, credentials: Credentials) -> SdkConfig {
        self.config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    /// Where the engine answers.
    pub fn endpoint(&self) -> &str {
        self.config.endpoint_url().unwrap_or_default()
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("us-east-1", Region::as_ref)
    }
}

async fn config(engine: &Engine, credentials: Credentials) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_mins(1))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(engine.region()))
        .endpoint_url(engine.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(timeouts)
        .load()
        .await
}

//! A connector, and models that point at a server of the test's own.

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use domain::budget::Prices;
use domain::task::{ModelTarget, Provider};
use models::{Connector, Model, RetryPolicy, Settings, ToolDefinition};
use serde_json::json;

/// The only key that the servers take.
pub(crate) const KEY: &str = "model-sim-key";

/// Small pauses, so that a test of retries takes no time; everything else as deployed.
pub(crate) fn settings() -> Settings {
    let pause = Duration::from_millis(1);
    let retry = RetryPolicy { retries: 3, first_pause: pause, longest_pause: Duration::from_secs(2) };
    Settings { retry, ..Settings::default() }
}

/// Later than any test takes.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A model at `base_url`.
pub(crate) fn model(provider: Provider, base_url: &str, key: &str, settings: Settings) -> Model {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
        .endpoint_url(base_url)
        .build();
    let target = ModelTarget {
        provider,
        base_url: base_url.to_owned(),
        model: "anthropic.claude-test".to_owned(),
        prices: Prices { input: 3_000_000, cached_input: 300_000, output: 15_000_000 },
    };
    Connector::from_config(&config).unwrap().model(&target, Some(key.into()), settings).unwrap()
}

/// A tool.
pub(crate) fn read_file() -> ToolDefinition {
    ToolDefinition {
        name: "read_file".to_owned(),
        description: "Reads a file.".to_owned(),
        schema: json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}),
    }
}

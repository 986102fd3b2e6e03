//! The function `anchor`: see the library.

use anchor::{Config, anchor};
use domain::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Anchors, Objects};

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let config = Config::from_env()?;
    let anchors = Anchors::new(Objects::client(&runtime::aws_config().await), config.audit_bucket);
    let handle = |event: LambdaEvent<Value>| anchor(&anchors, event.payload, Timestamp::now());
    lambda_runtime::run(service_fn(handle)).await
}

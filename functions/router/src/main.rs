//! The function `router`: see the library.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use router::{Config, Queues, route};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let config = Config::from_env()?;
    let client = aws_sdk_sqs::Client::new(&runtime::aws_config().await);
    let queues = Queues::new(client, config);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| route(&queues, event.payload))).await
}

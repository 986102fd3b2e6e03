//! The function `progress`: see the library.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use progress::{Config, record};
use serde_json::Value;
use store::Store;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let config = Config::from_env()?;
    let client = aws_sdk_dynamodb::Client::new(&runtime::aws_config().await);
    // This function has no permission for the audit table and asks nothing of it.
    let store = Store::new(client, config.state_table, String::new());
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| record(&store, event.payload))).await
}

//! The `publisher` function: commit, branch, pull request, merge.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let context = publisher::Context::from_env().await?;
    let context = &context;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        publisher::handle(context, event.payload, jiff::Timestamp::now()).await.map_err(runtime::step::fail)
    }))
    .await
}

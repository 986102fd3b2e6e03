//! The `sweeper` function: every minute, what a crash left undone.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let context = sweeper::Context::from_env().await?;
    let context = &context;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        sweeper::handle(context, event.payload, jiff::Timestamp::now()).await.map_err(runtime::step::fail)
    }))
    .await
}

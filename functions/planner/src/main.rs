//! The `planner` function: a ticket and a repository become a SPEC.

use std::time::Instant;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let context = planner::Context::from_env().await?;
    let context = &context;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + left.saturating_sub(planner::RESERVE);
        planner::handle(context, event.payload, jiff::Timestamp::now, deadline).await.map_err(runtime::step::fail)
    }))
    .await
}

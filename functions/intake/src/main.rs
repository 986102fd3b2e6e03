//! The `intake` function: consumer of the inbound queue.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let context = intake::Context::from_env().await?;
    let context = &context;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(intake::handle(context, event.payload, jiff::Timestamp::now()).await)
    }))
    .await
}

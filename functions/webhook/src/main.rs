//! The `webhook` function: the edge.

use lambda_http::{Error, Request, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let context = webhook::Context::from_env().await?;
    let context = &context;
    lambda_http::run(service_fn(async move |request: Request| {
        Ok::<_, Error>(webhook::handle(context, request, jiff::Timestamp::now()).await)
    }))
    .await
}

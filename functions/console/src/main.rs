//! The function `console`: see the library.

use std::sync::Arc;

use console::{Aws, Config, Console};
use domain::Timestamp;
use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let config = Config::from_env()?;
    let sdk = runtime::aws_config().await;
    let console = Console::new(Aws::new(&sdk, &config)?, config.settings, Timestamp::now);
    lambda_http::run(console::without_stage(console::app(Arc::new(console)))).await
}

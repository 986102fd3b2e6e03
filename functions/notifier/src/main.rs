//! The function `notifier`: see the library.

use aws_lambda_events::event::sqs::SqsEvent;
use domain::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use notifier::{Aws, Config, Mailer, Notifier, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    runtime::telemetry::init();
    let config = Config::from_env()?;
    let sdk = runtime::aws_config().await;
    let mailer = Mailer::new(aws_sdk_sesv2::Client::new(&sdk), config.mail_from.clone());
    let notifier = Notifier::new(Aws::new(&sdk, &config), mailer, config.public_base_url.clone());
    let secrets = runtime::Secrets::from_config(&sdk);
    let (config, notifier, secrets) = (&config, &notifier, &secrets);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let access = config.access(secrets).await.map_err(runtime::step::fail)?;
        Ok::<_, runtime::StepFailure>(handle(notifier, &access, event.payload, Timestamp::now).await)
    }))
    .await
}

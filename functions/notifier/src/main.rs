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
    let aws = Aws::new(&sdk, &config);
    let store = aws.store.clone();
    let notifier = Notifier::new(aws, mailer, config.public_base_url.clone(), config.slack_channel());
    let secrets = runtime::Secrets::from_config(&sdk);
    let (config, notifier, secrets, store) = (&config, &notifier, &secrets, &store);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let access = config.access(secrets, store).await.map_err(runtime::step::fail)?;
        Ok::<_, runtime::StepFailure>(handle(notifier, &access, event.payload, Timestamp::now).await)
    }))
    .await
}

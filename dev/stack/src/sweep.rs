//! A faster clock for the sweeper. The engine calls it every minute, as AWS does; here it is called every two seconds
//! as well, so that a deadline of seconds, which only a test sets, is kept in seconds.

use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::primitives::Blob;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::aws::Aws;
use crate::deploy::told;
use crate::warm;

const PERIOD: Duration = Duration::from_secs(2);
/// What EventBridge sends, as far as the sweeper could see.
const TICK: &str = r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#;

/// The ticking clock. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Clock(JoinHandle<()>);

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to call the sweeper.
pub(crate) async fn start(aws: &Aws, stack: &str) -> Result<Clock> {
    let names = warm::names(aws, stack).await?;
    let name = names.into_iter().find(|name| name.starts_with(&format!("{stack}-SweeperFunction")));
    let name = name.context("the template has no SweeperFunction")?;
    let lambda = aws.lambda.clone();
    Ok(Clock(tokio::spawn(async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let called = lambda.invoke().function_name(&name).payload(Blob::new(TICK)).send().await;
            match called {
                Err(error) => tracing::debug!("the sweeper was not called: {:#}", told(error)),
                Ok(answer) if answer.function_error().is_some() => {
                    let text = answer.payload().map(|text| String::from_utf8_lossy(text.as_ref()).into_owned());
                    tracing::warn!(answer = text, "the sweeper failed");
                }
                Ok(_) => {}
            }
        }
    })))
}

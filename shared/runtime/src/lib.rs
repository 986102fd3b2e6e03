//! What every function needs to run: configuration from the environment, structured logs, metrics, secrets, calls
//! to other functions, and errors with names that the state machine knows.

pub mod env;
pub mod invoke;
pub mod known;
pub mod metrics;
pub mod secrets;
pub mod step;
pub mod task_token;
pub mod telemetry;

pub use invoke::Invoker;
pub use secrets::Secrets;
pub use step::StepFailure;

/// Region, credentials and endpoint from the environment, as every AWS client takes them.
pub async fn aws_config() -> aws_config::SdkConfig {
    aws_config::load_from_env().await
}

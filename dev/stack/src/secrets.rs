//! Secrets: those that exist before the deployment, and those that it makes.

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aws::Aws;
use crate::deploy::told;

/// Makes a secret and returns its ARN.
///
/// # Errors
/// When the engine refuses.
pub(crate) async fn create(aws: &Aws, name: &str, value: &Value) -> Result<String> {
    let answer = aws.secrets.create_secret().name(name).secret_string(value.to_string()).send().await;
    let answer = answer.map_err(told).with_context(|| format!("making the secret {name}"))?;
    answer.arn.with_context(|| format!("the secret {name} got no ARN"))
}

/// Reads a secret that holds JSON.
///
/// # Errors
/// When the engine refuses or the value is of another form.
pub(crate) async fn read<T: DeserializeOwned>(aws: &Aws, arn: &str) -> Result<T> {
    let answer = aws.secrets.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(told).with_context(|| format!("reading the secret {arn}"))?;
    let text = answer.secret_string.with_context(|| format!("the secret {arn} has no text value"))?;
    serde_json::from_str(&text).with_context(|| format!("the secret {arn} is of another form"))
}

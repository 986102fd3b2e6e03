//! Warming the functions: the first call of each would otherwise wait for its process to start.

use anyhow::Result;
use aws_sdk_lambda::primitives::Blob;
use futures::future::join_all;

use crate::aws::Aws;
use crate::deploy::told;

/// An event that no function takes for one of its own: each answers an error, and stays.
const PROBE: &str = r#"{"warm":true}"#;

/// The functions of a stack.
///
/// # Errors
/// When the engine does not answer.
pub(crate) async fn names(aws: &Aws, stack: &str) -> Result<Vec<String>> {
    let functions = aws.lambda.list_functions().send().await.map_err(told)?.functions.unwrap_or_default();
    let names = functions.into_iter().filter_map(|function| function.function_name);
    Ok(names.filter(|name| name.starts_with(&format!("{stack}-"))).collect())
}

/// Starts one process of each function.
///
/// # Errors
/// When the engine does not answer.
pub(crate) async fn functions(aws: &Aws, stack: &str) -> Result<()> {
    let names = names(aws, stack).await?;
    let calls = names.iter().map(|name| async move {
        let call = aws.lambda.invoke().function_name(name).payload(Blob::new(PROBE)).send().await;
        if let Err(error) = call {
            tracing::debug!(function = name, "not warmed: {:#}", told(error));
        }
    });
    join_all(calls).await;
    Ok(())
}

//! A deployment: its tables, its bucket of anchors, and what writes them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::error::DisplayErrorContext;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use secrecy::ExposeSecret as _;
use store::{Anchors, Objects, Store};
use toolchain::Toolchain;

/// A deployment.
#[derive(Debug, Clone)]
pub struct Target {
    /// Workflows and their trails.
    pub store: Store,
    /// Their anchors.
    pub anchors: Anchors,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) anchor_function: String,
}

impl Target {
    /// What a CloudFormation stack deployed, in the account and region that the environment names.
    ///
    /// # Errors
    /// When there is no such stack, or it may not be looked at.
    pub async fn of_environment(stack_name: &str) -> Result<Self> {
        Self::of_stack(&aws_config::load_defaults(BehaviorVersion::latest()).await, stack_name).await
    }

    /// What `cargo xtask up` deployed under this name.
    ///
    /// # Errors
    /// When no such stack runs.
    pub async fn of_local(toolchain: &Toolchain, name: &str) -> Result<Self> {
        let reach = stack::reach(toolchain, name)?;
        let credentials =
            Credentials::new(reach.access_key_id, reach.secret_access_key.expose_secret(), None, None, "local stack");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(reach.region))
            .endpoint_url(reach.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .load()
            .await;
        Self::of_stack(&config, &reach.deployment).await
    }

    /// What a CloudFormation stack deployed.
    ///
    /// # Errors
    /// When there is no such stack, or it may not be looked at.
    pub async fn of_stack(config: &SdkConfig, stack_name: &str) -> Result<Self> {
        let outputs = outputs(config, stack_name).await?;
        let output = |name: &str| {
            let found = outputs.get(name).map(String::as_str);
            found.with_context(|| format!("the stack {stack_name} has no output {name}: deploy this version first"))
        };
        let dynamodb = aws_sdk_dynamodb::Client::new(config);
        Ok(Self {
            store: Store::new(dynamodb, output("StateTable")?, output("AuditTable")?),
            anchors: Anchors::new(Objects::client(config), output("AuditBucket")?),
            lambda: aws_sdk_lambda::Client::new(config),
            anchor_function: output("AnchorFunction")?.to_owned(),
        })
    }
}

async fn outputs(config: &SdkConfig, stack_name: &str) -> Result<BTreeMap<String, String>> {
    let call = aws_sdk_cloudformation::Client::new(config).describe_stacks().stack_name(stack_name);
    let answer = call.send().await.map_err(|error| anyhow::anyhow!("{}", DisplayErrorContext(error)));
    let answer = answer.with_context(|| format!("looking at the CloudFormation stack {stack_name}"))?;
    let outputs = answer.stacks.unwrap_or_default().into_iter().flat_map(|stack| stack.outputs.unwrap_or_default());
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}

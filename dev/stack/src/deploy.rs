//! Deploying the template to the engine, as a deployment to AWS would: artifacts in a bucket, then CreateStack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{Capability, Parameter, Stack as Deployed, StackStatus};
use futures::future::try_join_all;

use crate::archive::{archive, digest};
use crate::aws::Aws;
use crate::build::Programs;
use crate::template::Template;

/// The bucket of what is deployed.
const BUCKET: &str = "pi-tickets-artifacts";
/// How often the engine is asked whether the stack is there.
const POLL: Duration = Duration::from_millis(50);
/// How long a deployment may take.
const LIMIT: Duration = Duration::from_mins(3);

/// The template's outputs, by name.
#[derive(Debug, Clone)]
pub struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// One output.
    ///
    /// # Errors
    /// When the template has none of this name.
    pub fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("template.yaml has no output {name}"))
    }
}

/// Packs and uploads every function and the state machine, and returns the template that names them.
///
/// # Errors
/// When a program or file is missing or the engine refuses an upload.
pub(crate) async fn upload(aws: &Aws, root: &Path, template: &Template, programs: &Programs) -> Result<String> {
    aws.s3.create_bucket().bucket(BUCKET).send().await.map_err(told).context("making the artifact bucket")?;
    let functions = template.functions();
    let uploads = functions.iter().map(|name| async move {
        let (key, bytes) = (format!("{name}.zip"), archive(&programs.path(name))?);
        put(aws, &key, bytes).await?;
        anyhow::Ok(key)
    });
    let keys = try_join_all(uploads).await?;
    let mut objects: BTreeMap<String, String> = functions.into_iter().zip(keys).collect();
    if let Some(file) = template.definition() {
        let path = root.join(&file);
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let key = format!("ticket-{}.asl.json", digest(&bytes));
        put(aws, &key, bytes).await?;
        objects.insert(file, key);
    }
    let text = template.with_artifacts(BUCKET, &objects)?;
    put(aws, "template.yaml", text.into_bytes()).await?;
    Ok(format!("{}/{BUCKET}/template.yaml", aws.endpoint()))
}

async fn put(aws: &Aws, key: &str, bytes: Vec<u8>) -> Result<()> {
    let put = aws.s3.put_object().bucket(BUCKET).key(key).body(bytes.into());
    put.send().await.map(drop).map_err(told).with_context(|| format!("uploading {key}"))
}

/// Creates the stack and waits until it is there.
///
/// # Errors
/// When the engine refuses it; the reasons that it gives for each resource are part of the error.
pub(crate) async fn create(
    aws: &Aws,
    name: &str,
    template_url: &str,
    parameters: &BTreeMap<String, String>,
    known: &BTreeSet<String>,
) -> Result<Outputs> {
    if let Some(unknown) = parameters.keys().find(|name| !known.contains(*name)) {
        bail!(
            "template.yaml has no parameter {unknown}; it has: {}",
            known.iter().cloned().collect::<Vec<_>>().join(", ")
        );
    }
    let parameters = parameters
        .iter()
        .map(|(name, value)| Parameter::builder().parameter_key(name).parameter_value(value).build())
        .collect();
    aws.cloudformation
        .create_stack()
        .stack_name(name)
        .template_url(template_url)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityIam)
        .capabilities(Capability::CapabilityAutoExpand)
        .send()
        .await
        .map_err(told)
        .context("the engine refused the template")?;
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        let deployed = describe(aws, name).await?;
        match deployed.stack_status() {
            Some(StackStatus::CreateComplete) => return Ok(outputs(&deployed)),
            Some(StackStatus::CreateInProgress) => tokio::time::sleep(POLL).await,
            status => {
                let reasons = reasons(aws, name).await.unwrap_or_default();
                bail!("the engine could not create the stack ({status:?}):{reasons}");
            }
        }
    }
    bail!("the engine did not create the stack within {} s", LIMIT.as_secs())
}

async fn describe(aws: &Aws, name: &str) -> Result<Deployed> {
    let answer = aws.cloudformation.describe_stacks().stack_name(name).send().await.map_err(told)?;
    answer.stacks.unwrap_or_default().into_iter().next().context("the engine lost the stack")
}

fn outputs(deployed: &Deployed) -> Outputs {
    let pair = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    Outputs(deployed.outputs().iter().filter_map(pair).collect())
}

async fn reasons(aws: &Aws, name: &str) -> Result<String> {
    let events = aws.cloudformation.describe_stack_events().stack_name(name).send().await.map_err(told)?;
    let failed = events
        .stack_events()
        .iter()
        .rev()
        .filter(|event| event.resource_status().is_some_and(|status| status.as_str().ends_with("FAILED")));
    let line = |event: &aws_sdk_cloudformation::types::StackEvent| {
        let id = event.logical_resource_id().unwrap_or("?");
        format!("\n  {id}: {}", event.resource_status_reason().unwrap_or("no reason given"))
    };
    Ok(failed.map(line).collect())
}

/// An error of an SDK in one line: what the service said, or else why it said nothing.
pub(crate) fn told<E, R>(error: SdkError<E, R>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => anyhow::anyhow!("{code}: {message}"),
        (Some(code), None) => anyhow::anyhow!("{code}"),
        _ => anyhow::anyhow!("{}", DisplayErrorContext(error)),
    }
}

//! What the engine says about tasks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aws_sdk_ecs::types::{ContainerDefinition, DesiredStatus, KeyValuePair, LogDriver};
use aws_sdk_s3::config::Credentials;

use crate::aws::Aws;
use crate::deploy::told;

/// The one container of every task definition.
const CONTAINER: &str = "runner";
/// What Fargate gives a container to end that says nothing itself, seconds.
const DEFAULT_STOP_SECONDS: i32 = 30;

/// A task that has not ended.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) arn: String,
    pub(super) definition: String,
    /// From the overrides of the container.
    pub(super) environment: BTreeMap<String, String>,
    /// Somebody has stopped it.
    pub(super) is_stopping: bool,
}

impl Task {
    /// The last part of its ARN.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }
}

/// What a task definition says.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) container: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) task_role: Option<String>,
    pub(super) execution_role: Option<String>,
    pub(super) stop_seconds: u64,
    pub(super) logs: Option<Logs>,
}

/// Where the output goes.
#[derive(Debug, Clone)]
pub(super) struct Logs {
    pub(super) group: String,
    pub(super) prefix: String,
}

/// The tasks that run, or are about to end, and those in `known` that have not ended.
pub(super) async fn tasks<'a>(aws: &Aws, cluster: &str, known: impl Iterator<Item = &'a String>) -> Result<Vec<Task>> {
    let list = aws.ecs.list_tasks().cluster(cluster).desired_status(DesiredStatus::Running).send();
    let listed = list.await.map_err(told)?.task_arns.unwrap_or_default();
    let arns: BTreeSet<String> = listed.into_iter().chain(known.cloned()).collect();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let answer = aws.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.into_iter().collect())).send();
    let described = answer.await.map_err(told)?.tasks.unwrap_or_default();
    let alive = described.into_iter().filter(|task| task.last_status() == Some("RUNNING"));
    Ok(alive.filter_map(task).collect())
}

fn task(task: aws_sdk_ecs::types::Task) -> Option<Task> {
    let overrides =
        task.overrides.as_ref().map(aws_sdk_ecs::types::TaskOverride::container_overrides).unwrap_or_default();
    let own = overrides.iter().find(|container| container.name() == Some(CONTAINER));
    Some(Task {
        environment: own.map(|container| pairs(container.environment())).unwrap_or_default(),
        is_stopping: task.desired_status() == Some("STOPPED"),
        definition: task.task_definition_arn?,
        arn: task.task_arn?,
    })
}

fn pairs(environment: &[KeyValuePair]) -> BTreeMap<String, String> {
    environment.iter().filter_map(|pair| Some((pair.name()?.to_owned(), pair.value()?.to_owned()))).collect()
}

/// Reads a task's definition.
pub(super) async fn definition(aws: &Aws, arn: &str) -> Result<Definition> {
    let answer = aws.ecs.describe_task_definition().task_definition(arn).send().await.map_err(told)?;
    let definition = answer.task_definition.with_context(|| format!("the task definition {arn} is gone"))?;
    let containers = definition.container_definitions();
    let container = containers.iter().find(|container| container.name() == Some(CONTAINER));
    let container = container.with_context(|| format!("{arn} has no container `{CONTAINER}`"))?;
    Ok(Definition {
        container: CONTAINER.to_owned(),
        environment: pairs(container.environment()),
        // The engine answers an empty text for a role that a definition does not have.
        task_role: definition.task_role_arn().filter(|role| !role.is_empty()).map(str::to_owned),
        execution_role: definition.execution_role_arn().filter(|role| !role.is_empty()).map(str::to_owned),
        stop_seconds: u64::try_from(container.stop_timeout().unwrap_or(DEFAULT_STOP_SECONDS)).unwrap_or(0),
        logs: logs(container),
    })
}

fn logs(container: &ContainerDefinition) -> Option<Logs> {
    let configuration = container.log_configuration()?;
    let options = configuration.options().filter(|_| configuration.log_driver() == &LogDriver::Awslogs)?;
    let option = |name: &str| options.get(name).cloned();
    Some(Logs { group: option("awslogs-group")?, prefix: option("awslogs-stream-prefix")? })
}

/// Credentials of an hour for a role.
pub(super) async fn assume(aws: &Aws, role: &str, session: &str) -> Result<Credentials> {
    let answer = aws.sts.assume_role().role_arn(role).role_session_name(session).send().await;
    let answer = answer.map_err(told).with_context(|| format!("assuming the role {role}"))?;
    let credentials = answer.credentials.with_context(|| format!("the role {role} gave no credentials"))?;
    Ok(Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        None,
        "assumed role",
    ))
}

/// Reports that a task has ended.
pub(super) async fn report(aws: &Aws, cluster: &str, task: &Task, exit_code: i32, reason: Option<&str>) -> Result<()> {
    let container = aws_sdk_ecs::types::ContainerStateChange::builder()
        .container_name(CONTAINER)
        .exit_code(exit_code)
        .status("STOPPED")
        .set_reason(reason.map(str::to_owned))
        .build();
    let submit = aws
        .ecs
        .submit_task_state_change()
        .cluster(cluster)
        .task(&task.arn)
        .status("STOPPED")
        .set_reason(reason.map(str::to_owned))
        .containers(container);
    submit.send().await.map(drop).map_err(told).context("reporting the end of a task")
}

//! Workflows whose execution is gone, requests to stop that nobody noticed, pull requests whose webhook was lost.

use std::fmt;

use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use domain::failure::{Failure, FailureKind};
use domain::inbound::{GithubHint, INBOUND_VERSION, Inbound, InboundEvent};
use domain::steps::{Done, ExecutionInput, FinishOutput, StepError, WorkflowStep};
use domain::workflow::{ExecutionName, Workflow};
use domain::{Digest, Timestamp, WorkflowId, WorkflowState};

use crate::each::each;
use crate::{Context, Swept};

/// How long a row must have been still before its execution is looked at, seconds.
const STILL_SECONDS: i64 = 60;
/// How often an open pull request is looked at without a webhook, minutes.
const POLL_MINUTES: i64 = 10;
/// Workflows of one state that one sweep looks at; those that changed last come first, and the rest is reached page by
/// page within the same sweep.
const PAGE: i32 = 100;

/// Looks after every workflow that has not ended.
pub(crate) async fn recover(context: &Context, now: Timestamp, swept: &mut Swept) -> Result<(), Failure> {
    let mut failure = None;
    for state in WorkflowState::ALL.into_iter().filter(|state| !state.is_terminal()) {
        let mut cursor: Option<String> = None;
        loop {
            let page = context.store.in_state(state, PAGE, cursor.as_deref()).await?;
            let looks = each(page.workflows.iter().map(Entry), &mut failure, async |entry: &Entry<'_>| {
                look_after(context, entry.0, now).await
            });
            for look in looks.await {
                swept.recovered += u32::from(look.recovered);
                swept.polled += u32::from(look.polled);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// A workflow that shows itself by its id.
struct Entry<'a>(&'a Workflow);

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.id.fmt(f)
    }
}

/// What was done for one workflow.
#[derive(Default)]
struct Look {
    recovered: bool,
    polled: bool,
}

async fn look_after(context: &Context, workflow: &Workflow, now: Timestamp) -> Result<Look, Failure> {
    let mut look = Look::default();
    let still = now.as_second() - workflow.updated_at.as_second() >= STILL_SECONDS;
    if workflow.cancel_requested.is_some() && still {
        let step = WorkflowStep::Cancel { workflow_id: workflow.id.clone() };
        let _: Done = context.invoker.call(&context.config.workflow_function, &step).await?;
    }
    if still {
        look.recovered = recover_execution(context, workflow).await?;
    }
    if workflow.state == WorkflowState::AwaitingPrApproval && still && is_poll_minute(workflow, now) {
        poll(context, workflow, now).await?;
        look.polled = true;
    }
    Ok(look)
}

/// Starts an execution that was never started; ends a workflow whose execution has ended without it.
async fn recover_execution(context: &Context, workflow: &Workflow) -> Result<bool, Failure> {
    let execution = workflow.execution();
    let id = &workflow.id;
    let Some(described) = describe(context, &execution).await? else {
        return start(context, workflow).await;
    };
    let name = match described.status() {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => return Ok(false),
        status => status.as_str().to_owned(),
    };
    let error = StepError {
        error: described.error.unwrap_or_else(|| format!("Execution{name}")),
        cause: described.cause.unwrap_or_else(|| "the execution ended without ending the workflow".to_owned()),
    };
    let step = WorkflowStep::ExecutionEnded { execution, error };
    let finished: FinishOutput = context.invoker.call(&context.config.workflow_function, &step).await?;
    tracing::warn!(workflow = %id, state = %finished.state, "a workflow without a live execution was ended");
    Ok(true)
}

/// Starts what was asked for and not started: a new workflow's execution, or the one that resumes a workflow. The latter
/// waits for the end of the one before, so that two never work at the same time.
///
/// # Errors
/// What a service answered.
pub(crate) async fn start_asked(context: &Context, id: &WorkflowId) -> Result<bool, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.state.is_terminal() {
        return Ok(false);
    }
    match describe(context, &workflow.execution()).await? {
        Some(_) => Ok(false),
        None => start(context, &workflow).await,
    }
}

async fn start(context: &Context, workflow: &Workflow) -> Result<bool, Failure> {
    let execution = workflow.execution();
    if let Some(before) = execution.resumption.checked_sub(1) {
        let before = ExecutionName { resumption: before, ..execution.clone() };
        let described = describe(context, &before).await?;
        if described.is_some_and(|it| *it.status() == ExecutionStatus::Running) {
            tracing::info!(workflow = %workflow.id, "the execution before it has not ended yet");
            return Ok(false);
        }
    }
    let input = serde_json::to_string(&ExecutionInput::of(workflow)).map_err(|error| internal(&error))?;
    let call = context.sfn.start_execution().state_machine_arn(&context.config.state_machine);
    match call.name(execution.to_string()).input(input).send().await {
        Ok(_) => {
            tracing::info!(workflow = %workflow.id, %execution, "an execution was started");
            Ok(true)
        }
        Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(false),
        Err(error) => Err(unavailable(DisplayErrorContext(error))),
    }
}

/// An execution, if there ever was one of this name.
async fn describe(context: &Context, execution: &ExecutionName) -> Result<Option<DescribeExecutionOutput>, Failure> {
    let arn = format!("{}:{execution}", context.config.state_machine.replacen(":stateMachine:", ":execution:", 1));
    match context.sfn.describe_execution().execution_arn(arn).send().await {
        Ok(described) => Ok(Some(described)),
        Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(None),
        Err(error) => Err(unavailable(DisplayErrorContext(error))),
    }
}

/// Each pull request has its own minute, so that not all are looked at together.
fn is_poll_minute(workflow: &Workflow, now: Timestamp) -> bool {
    let offset = i64::from(Digest::of(workflow.id.as_str()).to_string().bytes().next().unwrap_or(0));
    (now.as_second() / 60 + offset) % POLL_MINUTES == 0
}

/// Puts the same hint on the queue that a webhook would have. Its id names the minute: twice is once.
async fn poll(context: &Context, workflow: &Workflow, now: Timestamp) -> Result<(), Failure> {
    let Some(pr) = &workflow.pr else { return Ok(()) };
    let minute = now.as_second() / 60;
    let delivery_id = format!("sweeper:{}:{minute}", workflow.id)
        .parse()
        .map_err(|error: domain::ids::InvalidId| internal(&error))?;
    let event = InboundEvent {
        version: INBOUND_VERSION,
        delivery_id,
        body_digest: Digest::of_parts([workflow.id.as_str().as_bytes(), &minute.to_be_bytes()]),
        received_at: now,
        event: Inbound::GithubHint(GithubHint {
            event: "sweep".to_owned(),
            repository: workflow.ticket.repository.clone(),
            pull_request: Some(pr.number),
            branch: Some(pr.branch.clone()),
        }),
    };
    let body = serde_json::to_string(&event).map_err(|error| internal(&error))?;
    context
        .sqs
        .send_message()
        .queue_url(&context.config.queue_url)
        .message_group_id(event.message_group())
        .message_body(body)
        .send()
        .await
        .map_err(|error| unavailable(DisplayErrorContext(error)))?;
    Ok(())
}

fn unavailable(error: impl fmt::Display) -> Failure {
    Failure::new(FailureKind::Transient, format!("a service did not answer: {error}"))
}

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Internal, error.to_string())
}

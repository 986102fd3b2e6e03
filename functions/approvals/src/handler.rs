//! The entries.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, LinkRequest};
use domain::steps::ApprovalStep;
use serde_json::Value;

use crate::config::{Context, GatesContext};
use crate::{clock, codes, decide, deliver, links, open, queue};

/// Answers a step of the state machine, a request of another function, or a batch of the queue of decisions.
///
/// # Errors
/// A [`Failure`]; `InvalidInput` for a request that this entry does not take.
pub async fn handle(context: &Context, payload: Value, now: Timestamp) -> Result<Value, Failure> {
    match context {
        Context::Links(gates) => match runtime::step::input(payload)? {
            LinkRequest::Mint { gate, recipient } => answer(&links::mint(gates, &gate, recipient, now).await?),
            LinkRequest::MintCode { link, number } => answer(&codes::mint(gates, link, number, now).await?),
        },
        Context::Gates(context) if payload.get("Records").is_some() => {
            answer(&queue::deliver_batch(context, runtime::step::input(payload)?, now).await)
        }
        Context::Gates(context) if payload.get("step").is_some() => {
            let ApprovalStep::Open { workflow_id, kind, task_token } = runtime::step::input(payload)?;
            answer(&open::open(context, &workflow_id, kind, &task_token, now).await?)
        }
        Context::Gates(context) => request(context, runtime::step::input(payload)?, now).await,
    }
}

async fn request(context: &GatesContext, request: ApprovalRequest, now: Timestamp) -> Result<Value, Failure> {
    match request {
        ApprovalRequest::Decide { gate, decision } => answer(&decide::decide(context, &gate, decision, now).await?),
        ApprovalRequest::Cancel { workflow_id } => answer(&decide::cancel(context, &workflow_id, now).await?),
        ApprovalRequest::Clock { gate } => answer(&clock::look(context, &gate, now).await?),
        ApprovalRequest::Extend { gate, by, due_at } => answer(&clock::extend(context, &gate, &by, due_at, now).await?),
        ApprovalRequest::Delegate { gate, by, to } => answer(&clock::delegate(context, &gate, &by, &to, now).await?),
        ApprovalRequest::SendCode { link } => answer(&codes::send(context, link, now).await?),
        ApprovalRequest::CheckCode { link, code } => answer(&codes::check(context, link, &code, now).await?),
        ApprovalRequest::Deliver { gate } => answer(&deliver::deliver(context, &gate, now).await?),
    }
}

fn answer<T: serde::Serialize>(output: &T) -> Result<Value, Failure> {
    serde_json::to_value(output).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

//! Anchoring what the deployment has not anchored by itself: workflows that are older than their bucket, and heads that
//! did not get there before the stream forgot them.
//!
//! The function `anchor` does it, as it does from the stream: nobody else may write to that bucket.

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use domain::Timestamp;
use domain::audit::{AuditHead, Evidence};
use domain::ids::WorkflowId;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use store::keys;

use crate::source::{Selection, evidence, workflows};
use crate::target::Target;

/// What became of one.
#[derive(Debug)]
pub struct Kept {
    /// Which.
    pub workflow_id: WorkflowId,
    /// What.
    pub result: Result<&'static str>,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(done) => write!(f, "✓ {}: {done}", self.workflow_id),
            Err(error) => write!(f, "✗ {}: {error:#}", self.workflow_id),
        }
    }
}

/// Anchors the ends of trails that hold.
///
/// # Errors
/// When the workflows cannot be listed.
pub async fn keep(target: &Target, selection: Selection, now: Timestamp) -> Result<Vec<Kept>> {
    let ids = workflows(target, selection).await?;
    let all = evidence(target, ids, now).then(|(workflow_id, found)| async move {
        let result = match found {
            Ok(evidence) => one(target, &evidence).await,
            Err(error) => Err(error.into()),
        };
        Kept { workflow_id, result }
    });
    Ok(all.collect().await)
}

async fn one(target: &Target, evidence: &Evidence) -> Result<&'static str> {
    ensure!(!evidence.is_empty(), "there is no such workflow");
    let standing = evidence.verify().context("a trail that is broken is not anchored")?;
    let last = evidence.trail.entries.last().and_then(|last| Some((evidence.trail.head?, last.at()?)));
    let Some((head, at)) = last.filter(|_| standing.waiting.is_some()) else { return Ok("anchored already") };
    invoke(target, &record(&evidence.trail.workflow_id, head, at)).await?;
    Ok("anchored now")
}

/// What the stream says of a workflow's row with that head.
fn record(id: &WorkflowId, head: AuditHead, at: Timestamp) -> Value {
    let (pk, sk) = (json!({ "S": keys::workflow(id) }), json!({ "S": keys::META }));
    let audit = json!({ "M": { "seq": { "N": head.seq.to_string() }, "hash": { "S": head.hash } } });
    let image = json!({ "pk": pk, "sk": sk, "id": { "S": id }, "audit": audit, "updated_at": { "S": at } });
    let record = json!({ "eventName": "MODIFY", "dynamodb": { "Keys": { "pk": pk, "sk": sk }, "NewImage": image } });
    json!({ "Records": [record] })
}

/// What the function answers.
#[derive(Deserialize)]
struct Answer {
    refused: usize,
}

async fn invoke(target: &Target, event: &Value) -> Result<()> {
    let call = target.lambda.invoke().function_name(&target.anchor_function);
    let answer = call.payload(Blob::new(event.to_string())).send().await;
    let answer =
        answer.map_err(|error| anyhow::anyhow!("{}", DisplayErrorContext(error))).context("calling `anchor`")?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    ensure!(answer.function_error.is_none(), "`anchor` failed: {}", String::from_utf8_lossy(&payload));
    let answer: Answer = serde_json::from_slice(&payload).context("reading what `anchor` answered")?;
    ensure!(answer.refused == 0, "another head is anchored in its place: verify the trail again");
    Ok(())
}

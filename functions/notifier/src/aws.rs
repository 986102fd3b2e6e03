//! [`State`] over DynamoDB, S3 and Lambda.

use std::time::Duration;

use aws_config::SdkConfig;
use domain::audit::AuditEntry;
use domain::failure::Failure;
use domain::gate::Gate;
use domain::gate::requests::{LinkRequest, MintedCode, MintedLink};
use domain::ids::{Attempt, GateId, Revision, TicketKey, WorkflowId};
use domain::outbox::OutboxPointer;
use domain::person::Person;
use domain::qa::QaReport;
use domain::spec::Spec;
use domain::ticket::Ticket;
use domain::workflow::Workflow;
use domain::{Digest, Timestamp};
use runtime::Invoker;
use serde::de::DeserializeOwned;
use store::keys::objects;
use store::{Gates, Objects, OutboxRow, SlackBudget, SlackThread, Store, StoreError};

use crate::config::Config;
use crate::facts::State;
use crate::slack::SlackRows;

/// The longest that a message is kept back, seconds.
const MAX_POSTPONED_SECONDS: i32 = 3_600;
/// Largest SPEC or report that is read, bytes.
const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// The deployed one.
#[derive(Debug)]
pub struct Aws {
    /// Workflows, tickets, their audit trail and the outbox.
    pub store: Store,
    /// Gates.
    pub gates: Gates,
    /// The bucket.
    pub objects: Objects,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// The function that makes approval links.
    pub links_function: String,
    /// Slack's queue, where the deployment has one.
    pub slack_queue: Option<(aws_sdk_sqs::Client, String)>,
}

impl Aws {
    /// Clients for what the configuration names.
    pub fn new(sdk: &SdkConfig, config: &Config) -> Self {
        let dynamo = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            store: Store::new(dynamo.clone(), &config.state_table, &config.audit_table),
            gates: Gates::new(dynamo, &config.gates_table),
            objects: Objects::new(Objects::client(sdk), &config.bucket),
            invoker: Invoker::from_config(sdk),
            links_function: config.approval_links_function.clone(),
            slack_queue: config.slack.as_ref().map(|slack| (aws_sdk_sqs::Client::new(sdk), slack.queue_url.clone())),
        }
    }

    async fn document<T: DeserializeOwned>(&self, key: &str) -> Result<(T, Vec<u8>), StoreError> {
        let bytes = self.objects.get(key, MAX_DOCUMENT_BYTES).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| malformed(key, &error.to_string()))?;
        Ok((value, bytes))
    }
}

fn malformed(key: &str, reason: &str) -> StoreError {
    StoreError::Malformed { what: format!("the object {key}"), reason: reason.to_owned() }
}

impl SlackRows for Aws {
    async fn take_thread(&self, id: &WorkflowId, now: Timestamp) -> Result<SlackThread, StoreError> {
        self.store.take_slack_thread(id, now).await
    }

    async fn save_thread(&self, thread: &mut SlackThread) -> Result<(), StoreError> {
        self.store.save_slack_thread(thread).await
    }

    async fn release_thread(&self, thread: &SlackThread) -> Result<(), StoreError> {
        self.store.release_slack_thread(thread).await
    }

    async fn count_post(&self, channel: &str, limit: u32, now: Timestamp) -> Result<SlackBudget, StoreError> {
        self.store.count_slack_post(channel, limit, now).await
    }

    async fn return_post(&self, channel: &str, budget: SlackBudget, now: Timestamp) -> Result<(), StoreError> {
        self.store.return_slack_post(channel, budget, now).await
    }

    async fn postpone(&self, receipt: &str, wait: Duration) {
        let Some((client, url)) = &self.slack_queue else { return };
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(MAX_POSTPONED_SECONDS).clamp(1, MAX_POSTPONED_SECONDS);
        let call = client.change_message_visibility().queue_url(url).receipt_handle(receipt);
        if let Err(error) = call.visibility_timeout(seconds).send().await {
            let error = aws_sdk_sqs::error::DisplayErrorContext(error);
            tracing::warn!(%error, "a message comes back when its queue says and not when Slack says");
        }
    }
}

impl State for Aws {
    async fn take(&self, pointer: &OutboxPointer, now: Timestamp) -> Result<Option<OutboxRow>, StoreError> {
        self.store.take_outbox(&pointer.workflow_id, pointer.seq, now).await
    }

    async fn mark_sent(&self, pointer: &OutboxPointer, now: Timestamp) -> Result<(), StoreError> {
        self.store.mark_sent(&pointer.workflow_id, pointer.seq, now).await
    }

    async fn mark_sent_to(&self, pointer: &OutboxPointer, recipient: &str) -> Result<(), StoreError> {
        self.store.mark_sent_to(&pointer.workflow_id, pointer.seq, recipient).await
    }

    async fn release(&self, pointer: &OutboxPointer) -> Result<(), StoreError> {
        self.store.release_outbox(&pointer.workflow_id, pointer.seq).await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, StoreError> {
        self.store.workflow(id).await
    }

    async fn ticket(&self, id: &WorkflowId) -> Result<Ticket, StoreError> {
        self.store.ticket(id).await
    }

    async fn current(&self, key: &TicketKey) -> Result<Option<WorkflowId>, StoreError> {
        Ok(self.store.ticket_row(key).await?.and_then(|row| row.workflow_id))
    }

    async fn trail(&self, id: &WorkflowId) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.audit_trail(id).await
    }

    async fn gate(&self, id: &GateId) -> Result<Option<Gate>, StoreError> {
        self.gates.gate(id).await
    }

    async fn spec(&self, id: &WorkflowId, revision: Revision, digest: Digest) -> Result<Spec, StoreError> {
        let key = objects::spec_json(id, revision);
        let (spec, _): (Spec, _) = self.document(&key).await?;
        if spec.digest().ok() == Some(digest) { Ok(spec) } else { Err(malformed(&key, "it is not the proposed one")) }
    }

    async fn qa(&self, id: &WorkflowId, attempt: Attempt, digest: Digest) -> Result<QaReport, StoreError> {
        let key = objects::qa_json(id, attempt);
        let (report, bytes): (QaReport, _) = self.document(&key).await?;
        // The sandbox could write this object; what counts is what was collected.
        if Digest::of(&bytes) == digest { Ok(report) } else { Err(malformed(&key, "it is not the collected one")) }
    }

    async fn mint(&self, gate: &GateId, recipient: &Person) -> Result<MintedLink, Failure> {
        let request = LinkRequest::Mint { gate: gate.clone(), recipient: recipient.clone() };
        self.invoker.call(&self.links_function, &request).await
    }

    async fn mint_code(&self, link: Digest, number: u32) -> Result<MintedCode, Failure> {
        self.invoker.call(&self.links_function, &LinkRequest::MintCode { link, number }).await
    }
}

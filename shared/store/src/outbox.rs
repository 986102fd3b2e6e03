//! Outbox rows: what has to be said to the outside, and whether it was.
//!
//! A row is sent under a lease: `pending` → `sending` (until a time) → `sent`. A sender that dies leaves a lease that
//! runs out; what it may have sent is then sent again: at least once.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::ids::WorkflowId;
use domain::outbox::{OutboxMessage, OutboxPointer};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, n, s};
use crate::workflows::Store;

/// How long a sender may take, seconds.
const LEASE_SECONDS: i64 = 120;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its number within the workflow.
    pub seq: u64,
    /// The way out, as the router's filter reads it.
    pub channel: domain::outbox::OutboxChannel,
    /// What it is about.
    pub message: OutboxMessage,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was sent.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// Who has it already, where it goes to several people one by one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sent_to: BTreeSet<String>,
}

pub(crate) fn item(id: &WorkflowId, seq: u64, message: &OutboxMessage, at: Timestamp) -> Result<Item, StoreError> {
    let row = OutboxRow {
        workflow_id: id.clone(),
        seq,
        channel: message.channel,
        message: message.clone(),
        created_at: at,
        sent_at: None,
        sent_to: BTreeSet::new(),
    };
    row::item(keys::workflow(id), keys::outbox(seq), &row)
}

impl Store {
    /// Takes the row for sending. `None`: it was sent already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while another sender holds it; [`StoreError::NotFound`].
    pub async fn take_outbox(
        &self,
        id: &WorkflowId,
        seq: u64,
        now: Timestamp,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let what = format!("message {seq} of {id}");
        let answer = self
            .client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::workflow(id), keys::outbox(seq))))
            .update_expression("SET lease_until = :until")
            .condition_expression(
                "attribute_exists(pk) AND attribute_type(sent_at, :null) \
                 AND (attribute_not_exists(lease_until) OR lease_until < :now)",
            )
            .expression_attribute_values(":until", n(now.as_second() + LEASE_SECONDS))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":null", s("NULL"))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
            .send()
            .await;
        match answer {
            Ok(answer) => row::value::<OutboxRow>(answer.attributes.unwrap_or_default()).map(Some),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    None => Err(StoreError::NotFound(what)),
                    Some(item) if row::value::<OutboxRow>(item.clone())?.sent_at.is_some() => Ok(None),
                    Some(_) => Err(StoreError::Conflict(what)),
                },
                _ => Err(StoreError::service("taking a message", error)),
            },
        }
    }

    /// Notes that the row was sent.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn mark_sent(&self, id: &WorkflowId, seq: u64, now: Timestamp) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::workflow(id), keys::outbox(seq))))
            .update_expression("SET sent_at = :now REMOVE lease_until")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", s(now.to_string()))
            .send()
            .await
            .map_err(|error| StoreError::service("marking a message as sent", error))?;
        Ok(())
    }

    /// Notes that one of several recipients has the message, so that they do not get it again when another one's
    /// fails.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn mark_sent_to(&self, id: &WorkflowId, seq: u64, recipient: &str) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::workflow(id), keys::outbox(seq))))
            .update_expression("ADD sent_to :recipient")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":recipient", AttributeValue::Ss(vec![recipient.to_owned()]))
            .send()
            .await
            .map_err(|error| StoreError::service("noting a recipient", error))?;
        Ok(())
    }

    /// Gives the row back after a failed try, so that the next delivery need not wait for the lease.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn release_outbox(&self, id: &WorkflowId, seq: u64) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::workflow(id), keys::outbox(seq))))
            .update_expression("REMOVE lease_until")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await
            .map_err(|error| StoreError::service("releasing a message", error))?;
        Ok(())
    }

    /// One outbox row.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn outbox_row(&self, pointer: &OutboxPointer) -> Result<Option<OutboxRow>, StoreError> {
        let key = row::key(keys::workflow(&pointer.workflow_id), keys::outbox(pointer.seq));
        let item = row::read(&self.client, &self.state, key, "reading a message").await?;
        item.map(row::value).transpose()
    }

    /// Every outbox row of a workflow, in order.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn outbox(&self, id: &WorkflowId) -> Result<Vec<OutboxRow>, StoreError> {
        let items: Vec<Item> = self
            .client
            .query()
            .table_name(&self.state)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(keys::workflow(id)))
            .expression_attribute_values(":prefix", s(keys::OUTBOX_PREFIX))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| StoreError::service("reading messages", error))?;
        items.into_iter().map(row::value).collect()
    }
}

//! What a workflow's thread in Slack knows: where its messages are and how far it was told. And how much was posted to
//! a channel this hour.
//!
//! Slack has no key for "post this once", so one sender at a time has a thread, and what was posted is written down at
//! once. Every write has the row's version as its condition: a sender who lost the thread cannot write over another's.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::ids::{GateId, WorkflowId};
use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, n, s};
use crate::workflows::Store;

/// How long a sender may have a thread, seconds.
const LEASE_SECONDS: i64 = 120;
/// How long an hour's count is kept after it, seconds.
const COUNT_SECONDS: i64 = 86_400;

/// A workflow's thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackThread {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Counts the row's changes.
    pub version: u64,
    /// The audit entries up to this one were told, as far as there is something to tell.
    pub told: u64,
    /// The messages, one for each gate, oldest first.
    pub messages: Vec<SlackMessage>,
}

/// A message about a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackMessage {
    /// The gate.
    pub gate: GateId,
    /// The channel's id.
    pub channel: String,
    /// The message's id within it.
    pub ts: String,
    /// Digest of what it shows.
    pub shown: Digest,
}

/// Whether a message may be posted to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackBudget {
    /// Yes.
    Post,
    /// The hour's limit is reached. One line says so, and this sender is to post it.
    SayLimit,
    /// The limit is reached, and the channel knows.
    Quiet,
}

impl Store {
    /// Takes a workflow's thread for telling; there is one as soon as somebody asks.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while another sender has it.
    pub async fn take_slack_thread(&self, id: &WorkflowId, now: Timestamp) -> Result<SlackThread, StoreError> {
        let answer = self
            .update(keys::workflow(id), keys::SLACK)
            .update_expression(
                "SET lease_until = :until, workflow_id = :id, #version = if_not_exists(#version, :zero) + :one, \
                 told = if_not_exists(told, :zero), messages = if_not_exists(messages, :none)",
            )
            .condition_expression("attribute_not_exists(lease_until) OR lease_until < :now")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":until", n(now.as_second() + LEASE_SECONDS))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":id", s(id.as_str()))
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer {
            Ok(answer) => row::value(answer.attributes.unwrap_or_default()),
            Err(error) if is_condition(&error) => Err(conflict(id)),
            Err(error) => Err(StoreError::service("taking a thread", error)),
        }
    }

    /// Writes down what the thread knows now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the thread was taken by somebody else.
    pub async fn save_slack_thread(&self, thread: &mut SlackThread) -> Result<(), StoreError> {
        let messages = serde_dynamo::to_attribute_value(&thread.messages)
            .map_err(|error| StoreError::malformed(format!("the thread of {}", thread.workflow_id), error))?;
        let saved = self
            .owned(thread)
            .update_expression("SET #version = :next, told = :told, messages = :messages")
            .expression_attribute_values(":next", n(thread.version + 1))
            .expression_attribute_values(":told", n(thread.told))
            .expression_attribute_values(":messages", messages)
            .send()
            .await;
        match saved {
            Ok(_) => {
                thread.version += 1;
                Ok(())
            }
            Err(error) if is_condition(&error) => Err(conflict(&thread.workflow_id)),
            Err(error) => Err(StoreError::service("writing a thread", error)),
        }
    }

    /// Gives the thread back. One that somebody else took meanwhile is theirs.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn release_slack_thread(&self, thread: &SlackThread) -> Result<(), StoreError> {
        match self.owned(thread).update_expression("REMOVE lease_until").send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition(&error) => Ok(()),
            Err(error) => Err(StoreError::service("giving a thread back", error)),
        }
    }

    /// Counts a message to a channel, of which `limit` may be posted in an hour.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn count_slack_post(&self, channel: &str, limit: u32, now: Timestamp) -> Result<SlackBudget, StoreError> {
        let answer = self
            .update(keys::slack_channel(channel), keys::hour(now))
            .update_expression("ADD posted :one SET expires_at = :expires")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":expires", n(now.as_second() + COUNT_SECONDS))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| StoreError::service("counting a message", error))?;
        let posted = answer.attributes.and_then(|row| row.get("posted")?.as_n().ok()?.parse::<u64>().ok());
        if posted.unwrap_or(u64::MAX) <= u64::from(limit) {
            return Ok(SlackBudget::Post);
        }
        let said = self
            .update(keys::slack_channel(channel), keys::hour(now))
            .update_expression("SET said_at = :now")
            .condition_expression("attribute_not_exists(said_at)")
            .expression_attribute_values(":now", s(now.to_string()))
            .send()
            .await;
        match said {
            Ok(_) => Ok(SlackBudget::SayLimit),
            Err(error) if is_condition(&error) => Ok(SlackBudget::Quiet),
            Err(error) => Err(StoreError::service("counting a message", error)),
        }
    }

    /// Takes back what [`Store::count_slack_post`] answered: Slack did not take the message.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn return_slack_post(
        &self,
        channel: &str,
        budget: SlackBudget,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self.update(keys::slack_channel(channel), keys::hour(now));
        let update = match budget {
            SlackBudget::Post => {
                update.update_expression("ADD posted :less").expression_attribute_values(":less", n(-1))
            }
            SlackBudget::SayLimit => update.update_expression("REMOVE said_at"),
            SlackBudget::Quiet => return Ok(()),
        };
        update.send().await.map_err(|error| StoreError::service("counting a message", error))?;
        Ok(())
    }

    fn update(&self, pk: String, sk: impl Into<String>) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.state).set_key(Some(row::key(pk, sk)))
    }

    /// An update on the condition that the thread is as its holder knows it.
    fn owned(&self, thread: &SlackThread) -> UpdateItemFluentBuilder {
        self.update(keys::workflow(&thread.workflow_id), keys::SLACK)
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", n(thread.version))
    }
}

fn conflict(id: &WorkflowId) -> StoreError {
    StoreError::Conflict(format!("the thread of {id}"))
}

fn is_condition<R>(
    error: &aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::update_item::UpdateItemError, R>,
) -> bool {
    error
        .as_service_error()
        .is_some_and(aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception)
}

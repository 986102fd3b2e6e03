//! Task tokens of the state machine. A table of its own: only `approvals` and `workflow` may read it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use domain::Timestamp;
use domain::ids::{GateId, TaskToken, WorkflowId};
use domain::slot::SlotPool;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, n, s};

/// How long a token is kept if nobody removes it, seconds: a year, the longest that an execution lives.
const KEPT_SECONDS: i64 = 366 * 24 * 3600;

/// The table `tokens`.
#[derive(Debug, Clone)]
pub struct Tokens {
    client: Client,
    table: String,
}

#[derive(Serialize, Deserialize)]
struct TokenRow {
    token: TaskToken,
}

impl Tokens {
    /// Tokens in a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Keeps the token of a gate, in place of an older one.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn put_gate(&self, id: &GateId, token: &TaskToken, now: Timestamp) -> Result<(), StoreError> {
        self.put(keys::gate_token(id), token, now).await
    }

    /// The token of a gate.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn gate(&self, id: &GateId) -> Result<Option<TaskToken>, StoreError> {
        self.get(keys::gate_token(id)).await
    }

    /// Forgets the token of a gate that was told, unless a newer one has taken its place: that one waits still.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn remove_gate(&self, id: &GateId, told: &TaskToken) -> Result<(), StoreError> {
        self.remove_told(keys::gate_token(id), told).await
    }

    /// Keeps the token of one who waits for a slot, in place of an older one.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn put_slot(
        &self,
        pool: SlotPool,
        id: &WorkflowId,
        token: &TaskToken,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.put(keys::slot_token(pool.as_str(), id), token, now).await
    }

    /// The token of one who waits for a slot, or has one and was not told.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn slot(&self, pool: SlotPool, id: &WorkflowId) -> Result<Option<TaskToken>, StoreError> {
        self.get(keys::slot_token(pool.as_str(), id)).await
    }

    /// Forgets the token of one who was told of a slot, unless a newer one has taken its place: that one waits still.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn remove_slot(&self, pool: SlotPool, id: &WorkflowId, told: &TaskToken) -> Result<(), StoreError> {
        self.remove_told(keys::slot_token(pool.as_str(), id), told).await
    }

    /// Forgets whatever token there is of one who no longer wants a slot.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn forget_slot(&self, pool: SlotPool, id: &WorkflowId) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(row::key(keys::slot_token(pool.as_str(), id), keys::META)))
            .send()
            .await
            .map_err(|error| StoreError::service("forgetting a task token", error))?;
        Ok(())
    }

    async fn put(&self, pk: String, token: &TaskToken, now: Timestamp) -> Result<(), StoreError> {
        let mut item = row::item(pk, keys::META, &TokenRow { token: token.clone() })?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(now.as_second() + KEPT_SECONDS));
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| StoreError::service("keeping a task token", error))?;
        Ok(())
    }

    async fn get(&self, pk: String) -> Result<Option<TaskToken>, StoreError> {
        let item = row::read(&self.client, &self.table, row::key(pk, keys::META), "reading a task token").await?;
        item.map(row::value::<TokenRow>).transpose().map(|row| row.map(|row| row.token))
    }

    async fn remove_told(&self, pk: String, told: &TaskToken) -> Result<(), StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(row::key(pk, keys::META)))
            .condition_expression("#token = :told")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":told", s(told.expose()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(error.as_service_error(), Some(DeleteItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::service("forgetting a task token", error)),
        }
    }
}

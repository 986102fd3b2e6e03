//! Tickets: which workflow is the current one, the newest version seen, whether it was cancelled.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::ids::{Generation, TicketKey, WorkflowId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, n};
use crate::workflows::{Store, built, put_new};

/// A ticket's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// Counts the row's changes; the condition of every write.
    pub version: u64,
    /// The newest version of the ticket that was seen.
    pub ticket_version: u64,
    /// The current generation.
    pub generation: Generation,
    /// Its workflow; `None` for a ticket that was cancelled before it was started.
    pub workflow_id: Option<WorkflowId>,
    /// A cancel sticks.
    pub cancelled: bool,
}

impl Store {
    /// Reads a ticket's row, if the ticket was ever seen.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn ticket_row(&self, key: &TicketKey) -> Result<Option<TicketRow>, StoreError> {
        self.get(keys::ticket(key), keys::META).await?.map(row::value).transpose()
    }

    /// A write of a ticket's row, `next.version` being one higher than the stored one (1 for a new row).
    ///
    /// # Errors
    /// Only when the row cannot be written.
    pub fn ticket_row_write(&self, key: &TicketKey, next: &TicketRow) -> Result<TransactWriteItem, StoreError> {
        let item = row::item(keys::ticket(key), keys::META, next)?;
        if next.version == 1 {
            return put_new(&self.state, item);
        }
        let put = Put::builder()
            .table_name(&self.state)
            .set_item(Some(item))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":expected", n(next.version - 1));
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    /// Writes a ticket's row alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn write_ticket_row(&self, key: &TicketKey, next: &TicketRow) -> Result<(), StoreError> {
        let write = self.ticket_row_write(key, next)?;
        self.transact(&format!("ticket {key}"), vec![write]).await
    }
}

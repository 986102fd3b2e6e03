//! Gates, approval links and inboxes. A table of its own: only `approvals` may write it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::gate::requests::LinkGrant;
use domain::gate::{Gate, GateStatus};
use domain::ids::{GateId, LinkId};
use domain::{Digest, Timestamp};
use serde::Deserialize;

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, n, s};
use crate::workflows::{built, put_new};

/// How long a link's row outlives its gate, seconds: long enough to answer "already decided".
const LINK_KEPT_SECONDS: i64 = 14 * 24 * 3600;

/// The table `gates`.
#[derive(Debug, Clone)]
pub struct Gates {
    pub(crate) client: Client,
    pub(crate) table: String,
}

#[derive(Deserialize)]
struct DueRow {
    id: GateId,
}

impl Gates {
    /// Gates in a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads a gate.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn gate(&self, id: &GateId) -> Result<Option<Gate>, StoreError> {
        self.get(keys::gate(id)).await?.map(row::value).transpose()
    }

    /// The writes that open a gate: its row and an inbox row for everybody who is asked.
    ///
    /// # Errors
    /// Only when a row cannot be written.
    pub fn open_writes(&self, gate: &Gate) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut writes = vec![put_new(&self.table, gate_item(gate)?)?];
        writes.extend(self.inbox_writes(None, gate)?);
        Ok(writes)
    }

    /// The writes that change an open gate: its row, if nobody has changed it since `before` was read, and the
    /// inbox rows that differ then: none is left once it is decided.
    ///
    /// # Errors
    /// Only when a row cannot be written.
    pub fn change_writes(&self, before: &Gate, after: &Gate) -> Result<Vec<TransactWriteItem>, StoreError> {
        // Rows of before gates were counted have no number.
        let unchanged = if before.version == 0 {
            "(attribute_not_exists(#version) OR #version = :version)"
        } else {
            "#version = :version"
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(gate_item(after)?))
            .condition_expression(format!("#status = :pending AND subject_digest = :subject AND {unchanged}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":pending", s(GateStatus::Pending.as_str()))
            .expression_attribute_values(":subject", s(before.subject_digest.to_string()))
            .expression_attribute_values(":version", n(before.version));
        let mut writes = vec![TransactWriteItem::builder().put(built(put.build())?).build()];
        writes.extend(self.inbox_writes(Some(before), after)?);
        Ok(writes)
    }

    /// Writes rows of this table alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a condition does not hold.
    pub async fn write(&self, writes: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        crate::workflows::transact(&self.client, "a gate", writes).await
    }

    /// Notes that the state machine has a gate's answer, so that nobody hands it over again.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn mark_delivered(&self, id: &GateId, now: Timestamp) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(row::key(keys::gate(id), keys::META)))
            .update_expression("SET delivered_at = :now REMOVE gsi2pk, gsi2sk")
            .condition_expression("attribute_exists(pk) AND #status <> :pending")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":pending", s(GateStatus::Pending.as_str()))
            .send()
            .await
            .map_err(|error| StoreError::service("marking a decision as delivered", error))?;
        Ok(())
    }

    /// Open gates whose clock has to be looked at by `now`, the oldest first, at most `limit` per shard.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<GateId>, StoreError> {
        self.by_due(keys::gate_due, now, limit).await
    }

    /// Decided gates whose answer has not reached the state machine and that were decided before `before`.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn undelivered(&self, before: Timestamp, limit: i32) -> Result<Vec<GateId>, StoreError> {
        self.by_due(keys::gate_undelivered, before, limit).await
    }

    /// Keeps what a link stands for, under the link's digest.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the digest exists, which for a random id it does not.
    pub async fn put_link(&self, link: &LinkId, grant: &LinkGrant, due_at: Timestamp) -> Result<(), StoreError> {
        let mut item = row::item(keys::link(link.digest()), keys::META, grant)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(due_at.as_second() + LINK_KEPT_SECONDS));
        let write = put_new(&self.table, item)?;
        crate::workflows::transact(&self.client, "an approval link", vec![write]).await
    }

    /// What a link stands for.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn link(&self, digest: Digest) -> Result<Option<LinkGrant>, StoreError> {
        self.get(keys::link(digest)).await?.map(row::value).transpose()
    }

    async fn get(&self, pk: String) -> Result<Option<Item>, StoreError> {
        row::read(&self.client, &self.table, row::key(pk, keys::META), "reading a gate").await
    }

    async fn by_due(
        &self,
        partition: fn(u8) -> String,
        until: Timestamp,
        limit: i32,
    ) -> Result<Vec<GateId>, StoreError> {
        let mut ids = Vec::new();
        for shard in 0..keys::DUE_SHARDS {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::BY_DUE)
                .key_condition_expression("gsi2pk = :pk AND gsi2sk <= :until")
                .expression_attribute_values(":pk", s(partition(shard)))
                .expression_attribute_values(":until", s(due_key(until)))
                .limit(limit)
                .send()
                .await
                .map_err(|error| StoreError::service("listing gates by time", error))?;
            for item in page.items.unwrap_or_default() {
                ids.push(row::value::<DueRow>(item)?.id);
            }
        }
        Ok(ids)
    }
}

fn due_key(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

/// An open gate is in the index under the time of its next stage, a decided one under the time of its decision until it is delivered.
fn gate_item(gate: &Gate) -> Result<Item, StoreError> {
    let mut item = row::item(keys::gate(&gate.id), keys::META, gate)?;
    let shard = keys::shard(&gate.id);
    let place = match &gate.decision {
        None => Some((keys::gate_due(shard), gate.next_look())),
        Some(decision) if gate.delivered_at.is_none() => Some((keys::gate_undelivered(shard), decision.at)),
        Some(_) => None,
    };
    if let Some((partition, at)) = place {
        item.insert(keys::BY_DUE_PK.to_owned(), s(partition));
        item.insert(keys::BY_DUE_SK.to_owned(), s(due_key(at)));
    }
    Ok(item)
}

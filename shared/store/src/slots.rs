//! Slots. Whoever wants one queues; a slot is handed to the first in the queue, in one transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::ids::WorkflowId;
use domain::slot::{Pause, SlotPool, Waiter};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, n, s};
use crate::workflows::{built, transact};

/// How often a hand-over is tried again when another one was faster.
const MAX_ROUNDS: u32 = 20;

/// The slots in the table `state`.
#[derive(Debug, Clone)]
pub struct Slots {
    client: Client,
    table: String,
}

/// A slot that was just handed over: its holder has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The new holder.
    pub workflow_id: WorkflowId,
}

/// Who waits for a slot, and whether any are handed out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Line {
    /// In order of service.
    pub waiters: Vec<Waiter>,
    /// Why the pool rests, if it does.
    pub pause: Option<Pause>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Capacity {
    version: u64,
    held: BTreeSet<WorkflowId>,
    #[serde(default)]
    pause: Option<Pause>,
}

impl Slots {
    /// Slots in a table.
    pub fn new(client: Client, state_table: impl Into<String>) -> Self {
        Self { client, table: state_table.into() }
    }

    /// Queues for a slot. Queueing again changes nothing; a holder does not queue.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn enqueue(&self, pool: SlotPool, waiter: &Waiter) -> Result<(), StoreError> {
        if self.is_held(pool, &waiter.workflow_id).await? || self.is_waiting(pool, &waiter.workflow_id).await? {
            return Ok(());
        }
        let item = row::item(keys::slots(pool.as_str()), keys::waiter(&waiter.order_key()), waiter)?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| StoreError::service("queueing for a slot", error))?;
        Ok(())
    }

    /// Whether a workflow holds a slot.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn is_held(&self, pool: SlotPool, id: &WorkflowId) -> Result<bool, StoreError> {
        Ok(self.capacity(pool).await?.held.contains(id))
    }

    /// Everyone who holds a slot.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn holders(&self, pool: SlotPool) -> Result<BTreeSet<WorkflowId>, StoreError> {
        Ok(self.capacity(pool).await?.held)
    }

    /// Hands free slots to the first in the queue, one each, until none is free or nobody waits. A pool that rests hands
    /// out none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when others were faster again and again; or what DynamoDB answered.
    pub async fn hand_over(&self, pool: SlotPool, max: usize) -> Result<Vec<Grant>, StoreError> {
        let mut grants = Vec::new();
        let mut lost = 0;
        while lost < MAX_ROUNDS {
            let capacity = self.capacity(pool).await?;
            if capacity.held.len() >= max || capacity.pause.is_some() {
                return Ok(grants);
            }
            let Some((key, waiter)) = self.first_waiter(pool).await? else { return Ok(grants) };
            let mut next = capacity;
            next.held.insert(waiter.workflow_id.clone());
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key))
                .condition_expression("attribute_exists(pk)")
                .build();
            let writes =
                vec![self.capacity_write(pool, next)?, TransactWriteItem::builder().delete(built(delete)?).build()];
            match transact(&self.client, "the slots", writes).await {
                Ok(()) => grants.push(Grant { workflow_id: waiter.workflow_id }),
                Err(StoreError::Conflict(_)) => lost += 1,
                Err(error) => return Err(error),
            }
        }
        if grants.is_empty() { Err(StoreError::Conflict(format!("the {} slots", pool.as_str()))) } else { Ok(grants) }
    }

    /// Gives a slot back and leaves the queue. Doing it again changes nothing. Hand over afterwards.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when others were faster again and again; or what DynamoDB answered.
    pub async fn release(&self, pool: SlotPool, id: &WorkflowId) -> Result<(), StoreError> {
        for (key, waiter) in self.waiters(pool).await? {
            if waiter.workflow_id == *id {
                self.client
                    .delete_item()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .send()
                    .await
                    .map_err(|error| StoreError::service("leaving the queue for a slot", error))?;
            }
        }
        for _ in 0..MAX_ROUNDS {
            let mut next = self.capacity(pool).await?;
            if !next.held.remove(id) {
                return Ok(());
            }
            match transact(&self.client, "the slots", vec![self.capacity_write(pool, next)?]).await {
                Err(StoreError::Conflict(_)) => {}
                other => return other,
            }
        }
        Err(StoreError::Conflict(format!("the {} slots", pool.as_str())))
    }

    /// Lets a pool rest, or go on. Hand over afterwards.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when others were faster again and again; or what DynamoDB answered.
    pub async fn set_pause(&self, pool: SlotPool, pause: Option<Pause>) -> Result<(), StoreError> {
        for _ in 0..MAX_ROUNDS {
            let next = Capacity { pause: pause.clone(), ..self.capacity(pool).await? };
            match transact(&self.client, "the slots", vec![self.capacity_write(pool, next)?]).await {
                Err(StoreError::Conflict(_)) => {}
                other => return other,
            }
        }
        Err(StoreError::Conflict(format!("the {} slots", pool.as_str())))
    }

    /// Whether a workflow is in the queue.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn is_waiting(&self, pool: SlotPool, id: &WorkflowId) -> Result<bool, StoreError> {
        Ok(self.waiters(pool).await?.iter().any(|(_, waiter)| waiter.workflow_id == *id))
    }

    /// The queue, in order of service.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn queue(&self, pool: SlotPool) -> Result<Vec<Waiter>, StoreError> {
        Ok(self.waiters(pool).await?.into_iter().map(|(_, waiter)| waiter).collect())
    }

    /// The queue, in order of service, and whether the pool rests: one query for both.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn line(&self, pool: SlotPool) -> Result<Line, StoreError> {
        let items: Vec<Item> = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::slots(pool.as_str())))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| StoreError::service("reading the queue for a slot", error))?;
        let mut line = Line::default();
        for item in items {
            if item.get(keys::SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == keys::CAPACITY) {
                line.pause = row::value::<Capacity>(item)?.pause;
            } else {
                line.waiters.push(row::value(item)?);
            }
        }
        Ok(line)
    }

    async fn capacity(&self, pool: SlotPool) -> Result<Capacity, StoreError> {
        let item = row::read(
            &self.client,
            &self.table,
            row::key(keys::slots(pool.as_str()), keys::CAPACITY),
            "reading the slots",
        )
        .await?;
        item.map(row::value).transpose().map(Option::unwrap_or_default)
    }

    fn capacity_write(&self, pool: SlotPool, mut next: Capacity) -> Result<TransactWriteItem, StoreError> {
        let expected = next.version;
        next.version += 1;
        let item = row::item(keys::slots(pool.as_str()), keys::CAPACITY, &next)?;
        let mut put = Put::builder().table_name(&self.table).set_item(Some(item));
        put = if expected == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("#version = :expected")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":expected", n(expected))
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    async fn first_waiter(&self, pool: SlotPool) -> Result<Option<(Item, Waiter)>, StoreError> {
        let page = self
            .waiter_query(pool)
            .limit(1)
            .send()
            .await
            .map_err(|error| StoreError::service("reading the queue for a slot", error))?;
        page.items.unwrap_or_default().into_iter().next().map(keyed).transpose()
    }

    async fn waiters(&self, pool: SlotPool) -> Result<Vec<(Item, Waiter)>, StoreError> {
        let items: Vec<Item> = self
            .waiter_query(pool)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| StoreError::service("reading the queue for a slot", error))?;
        items.into_iter().map(keyed).collect()
    }

    fn waiter_query(&self, pool: SlotPool) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(keys::slots(pool.as_str())))
            .expression_attribute_values(":prefix", s(keys::WAITER_PREFIX))
    }
}

fn keyed(item: Item) -> Result<(Item, Waiter), StoreError> {
    let text = |name: &str| item.get(name).and_then(|v: &AttributeValue| v.as_s().ok()).cloned().unwrap_or_default();
    let key = row::key(text(keys::PK), text(keys::SK));
    Ok((key, row::value(item)?))
}

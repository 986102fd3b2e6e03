//! Workflows, and the changes of them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::audit::AuditEntry;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::outbox::OutboxMessage;
use domain::person::Actor;
use domain::ticket::Ticket;
use domain::workflow::{Change, Event, Workflow};
use domain::{Timestamp, WorkflowState};

use crate::audit::audit_item;
use crate::error::{StoreError, apply_failure};
use crate::keys;
use crate::outbox;
use crate::row::{self, Item, n, s};

/// How often [`Store::record`] reads and decides again when the row changes under it.
pub(crate) const MAX_ROUNDS: u32 = 8;

/// The tables `state` and `audit`.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) state: String,
    pub(crate) audit: String,
}

/// One page of workflows.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The workflows.
    pub workflows: Vec<Workflow>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

impl Store {
    /// A store over two tables.
    pub fn new(client: Client, state_table: impl Into<String>, audit_table: impl Into<String>) -> Self {
        Self { client, state: state_table.into(), audit: audit_table.into() }
    }

    /// Reads a workflow, as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or what DynamoDB answered.
    pub async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, StoreError> {
        let item = self.get(keys::workflow(id), keys::META).await?;
        row::value(item.ok_or_else(|| StoreError::NotFound(format!("workflow {id}")))?)
    }

    /// Reads the ticket as the workflow knows it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or what DynamoDB answered.
    pub async fn ticket(&self, id: &WorkflowId) -> Result<Ticket, StoreError> {
        let item = self.get(keys::workflow(id), keys::TICKET).await?;
        row::value(item.ok_or_else(|| StoreError::NotFound(format!("the ticket of workflow {id}")))?)
    }

    /// Writes a new workflow, its first audit entry and its ticket, with `extra` in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the workflow exists already or a condition of `extra` does not hold.
    pub async fn create(
        &self,
        workflow: &Workflow,
        entry: &AuditEntry,
        ticket: &Ticket,
        extra: Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let mut items = vec![
            put_new(&self.state, workflow_item(workflow)?)?,
            put_new(&self.audit, audit_item(entry)?)?,
            self.put(row::item(keys::workflow(&workflow.id), keys::TICKET, ticket)?)?,
        ];
        items.extend(extra);
        self.transact(&format!("workflow {}", workflow.id), items).await
    }

    /// Replaces the ticket's snapshot: one write for a transaction.
    ///
    /// # Errors
    /// Only when the ticket cannot be written as a row.
    pub fn ticket_write(&self, id: &WorkflowId, ticket: &Ticket) -> Result<TransactWriteItem, StoreError> {
        self.put(row::item(keys::workflow(id), keys::TICKET, ticket)?)
    }

    /// Writes a change: the workflow's row if it is still at the version the change was made from, the audit entry,
    /// the outbox rows, what it cost and `extra`, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the row changed meanwhile or a condition of `extra` does not hold.
    pub async fn commit(&self, change: &Change, extra: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        let workflow = &change.workflow;
        let condition = Put::builder()
            .table_name(&self.state)
            .set_item(Some(workflow_item(workflow)?))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":expected", n(change.expected_version));
        let mut items = vec![
            TransactWriteItem::builder().put(built(condition.build())?).build(),
            put_new(&self.audit, audit_item(&change.entry)?)?,
        ];
        for (seq, message) in &change.outbox {
            items.push(self.outbox_put(&workflow.id, *seq, message, workflow.updated_at)?);
        }
        if let Some(expense) = change.expense() {
            items.push(self.expense_write(&expense)?);
        }
        items.extend(extra);
        self.transact(&format!("workflow {}", workflow.id), items).await
    }

    /// Reads the workflow, lets `decide` choose the event that follows (`None`: nothing to do), and writes the change;
    /// again from the start when the row changed meanwhile. Answers the workflow as it is then.
    ///
    /// # Errors
    /// What `decide` refuses; `Superseded` when the state no longer allows the event; `Contention` when the row
    /// changed too often; or what DynamoDB answered.
    pub async fn record(
        &self,
        id: &WorkflowId,
        actor: &Actor,
        now: Timestamp,
        mut decide: impl FnMut(&Workflow) -> Result<Option<Event>, Failure> + Send,
    ) -> Result<Workflow, Failure> {
        for _ in 0..MAX_ROUNDS {
            let workflow = self.workflow(id).await?;
            let Some(event) = decide(&workflow)? else { return Ok(workflow) };
            let change = workflow.apply(event, actor.clone(), now).map_err(|error| apply_failure(&error))?;
            match self.commit(&change, Vec::new()).await {
                Ok(()) => return Ok(change.workflow),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(FailureKind::Contention, format!("workflow {id} changed {MAX_ROUNDS} times under this step")))
    }

    /// Workflows in one state, the one changed last first. A row that cannot be read is logged and left out, so that it
    /// hides no other.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for a cursor that is not one of ours, or what DynamoDB answered.
    pub async fn in_state(
        &self,
        state: WorkflowState,
        limit: i32,
        cursor: Option<&str>,
    ) -> Result<Listing, StoreError> {
        let start = cursor.map(|cursor| decode_cursor(state, cursor)).transpose()?;
        let page = self
            .client
            .query()
            .table_name(&self.state)
            .index_name(keys::BY_STATE)
            .key_condition_expression("gsi1pk = :state")
            .expression_attribute_values(":state", s(keys::state(state)))
            .scan_index_forward(false)
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::service("listing workflows", error))?;
        let cursor = page.last_evaluated_key.as_ref().and_then(encode_cursor);
        let read =
            |item| row::value(item).inspect_err(|error| tracing::error!(%error, "a workflow's row is unreadable")).ok();
        let workflows = page.items.unwrap_or_default().into_iter().filter_map(read).collect();
        Ok(Listing { workflows, cursor })
    }

    pub(crate) async fn get(&self, pk: String, sk: &str) -> Result<Option<Item>, StoreError> {
        row::read(&self.client, &self.state, row::key(pk, sk), "reading a row").await
    }

    pub(crate) fn put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.state).set_item(Some(item)).build();
        Ok(TransactWriteItem::builder().put(built(put)?).build())
    }

    pub(crate) async fn transact(&self, what: &str, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        transact(&self.client, what, items).await
    }
}

/// A write of a row that must not exist yet.
pub(crate) fn put_new(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put =
        Put::builder().table_name(table).set_item(Some(item)).condition_expression("attribute_not_exists(pk)").build();
    Ok(TransactWriteItem::builder().put(built(put)?).build())
}

/// All or nothing. The SDK sends one idempotency token with every retry of the call, so that a lost answer is not
/// taken for a lost condition.
pub(crate) async fn transact(client: &Client, what: &str, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
    match client.transact_write_items().set_transact_items(Some(items)).send().await {
        Ok(_) => Ok(()),
        Err(error) if is_conflict(&error) => Err(StoreError::Conflict(what.to_owned())),
        Err(error) => Err(StoreError::service("writing rows", error)),
    }
}

fn is_conflict<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return matches!(error.as_service_error(), Some(TransactWriteItemsError::TransactionInProgressException(_)));
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .any(|reason| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict")))
}

pub(crate) fn built<T>(result: Result<T, aws_sdk_dynamodb::error::BuildError>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::malformed("a write", error))
}

fn workflow_item(workflow: &Workflow) -> Result<Item, StoreError> {
    let mut item = row::item(keys::workflow(&workflow.id), keys::META, workflow)?;
    item.insert(keys::BY_STATE_PK.to_owned(), s(keys::state(workflow.state)));
    item.insert(keys::BY_STATE_SK.to_owned(), s(keys::changed_of(workflow.updated_at, &workflow.id)));
    Ok(item)
}

fn encode_cursor(key: &Item) -> Option<String> {
    key.get(keys::BY_STATE_SK)?.as_s().ok().cloned()
}

/// A cursor is the index's sort key of the last row; the rest of the key follows from it.
fn decode_cursor(state: WorkflowState, cursor: &str) -> Result<Item, StoreError> {
    let id: WorkflowId = cursor
        .split_once('#')
        .and_then(|(_, id)| id.parse().ok())
        .ok_or_else(|| StoreError::malformed("the cursor", "it is not one that this API gave out"))?;
    let mut key = row::key(keys::workflow(&id), keys::META);
    key.insert(keys::BY_STATE_PK.to_owned(), s(keys::state(state)));
    key.insert(keys::BY_STATE_SK.to_owned(), s(cursor));
    Ok(key)
}

impl Store {
    fn outbox_put(
        &self,
        id: &WorkflowId,
        seq: u64,
        message: &OutboxMessage,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        put_new(&self.state, outbox::item(id, seq, message, at)?)
    }
}

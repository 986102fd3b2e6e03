//! Audit trails, as they are stored.

use domain::audit::{AuditEntry, AuditHead, Evidence, StoredEntry, Trail};
use domain::ids::WorkflowId;
use domain::{Timestamp, WorkflowState};
use serde_json::Value;

use crate::anchors::Anchors;
use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, s};
use crate::workflows::Store;

/// Attribute of a workflow's row with the end of its chain.
const HEAD: &str = "audit";
/// How often a trail that grows while it is read is read again.
const MAX_ROUNDS: u32 = 8;

pub(crate) fn audit_item(entry: &AuditEntry) -> Result<Item, StoreError> {
    row::item(keys::workflow(&entry.workflow_id), keys::audit(entry.seq), entry)
}

impl Store {
    /// The audit trail as it is stored: what cannot be read is in it, so that nothing hides behind an error. The head
    /// is what the workflow's row named both before and after the entries were read.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it grew each time that it was read, or what DynamoDB answered.
    pub async fn trail(&self, id: &WorkflowId) -> Result<Trail, StoreError> {
        let mut head = self.head(id).await?;
        for _ in 0..MAX_ROUNDS {
            let items = self.audit_items(id).await?;
            let after = self.head(id).await?;
            if after == head {
                return Ok(Trail { workflow_id: id.clone(), entries: items.into_iter().map(stored).collect(), head });
            }
            head = after;
        }
        Err(StoreError::Conflict(format!("the audit trail of {id}")))
    }

    /// The audit trail and its anchors. Anchors are read first: one that is newer than the trail would look like
    /// entries that are gone.
    ///
    /// # Errors
    /// As for [`Store::trail`], or what S3 answered.
    pub async fn evidence(&self, anchors: &Anchors, id: &WorkflowId, now: Timestamp) -> Result<Evidence, StoreError> {
        let anchors = anchors.of(id).await?;
        Ok(Evidence { trail: self.trail(id).await?, anchors, at: now })
    }

    /// The audit entries of a workflow, in order. One that cannot be read is logged and left out; whether the trail
    /// holds is another question, which [`Store::trail`] is for.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn audit_trail(&self, id: &WorkflowId) -> Result<Vec<AuditEntry>, StoreError> {
        let items = self.audit_items(id).await?;
        let read = |item: Item| {
            let entry = stored(item).entry();
            entry.inspect_err(|reason| tracing::error!(workflow = %id, reason, "an audit entry is unreadable")).ok()
        };
        Ok(items.into_iter().filter_map(read).collect())
    }

    /// The ids of all workflows in one state, whatever else their rows say.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn workflow_ids(&self, state: WorkflowState) -> Result<Vec<WorkflowId>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&self.state)
            .index_name(keys::BY_STATE)
            .key_condition_expression("gsi1pk = :state")
            .expression_attribute_values(":state", s(keys::state(state)))
            .projection_expression("pk")
            .into_paginator()
            .items()
            .send();
        let items: Vec<Item> =
            pages.try_collect().await.map_err(|error| StoreError::service("listing workflows", error))?;
        let id = |item: &Item| keys::workflow_of(item.get(keys::PK)?.as_s().ok()?);
        Ok(items.iter().filter_map(id).collect())
    }

    /// The end of the chain by the workflow's row. `None`: there is no row, or it does not say.
    async fn head(&self, id: &WorkflowId) -> Result<Option<AuditHead>, StoreError> {
        let item = self.get(keys::workflow(id), keys::META).await?;
        let head = item.and_then(|mut item| item.remove(HEAD));
        Ok(head.and_then(|head| serde_dynamo::from_attribute_value(head).ok()))
    }

    async fn audit_items(&self, id: &WorkflowId) -> Result<Vec<Item>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&self.audit)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::workflow(id)))
            .into_paginator()
            .items()
            .send();
        pages.try_collect().await.map_err(|error| StoreError::service("reading the audit trail", error))
    }
}

/// An item with all of its fields, but for the two that are its key.
fn stored(mut item: Item) -> StoredEntry {
    item.remove(keys::PK);
    let place = item.remove(keys::SK).and_then(|key| keys::audit_seq(key.as_s().ok()?));
    match serde_dynamo::from_item::<_, Value>(item) {
        Ok(mut fields) => {
            // An item's fields have no order; an export should have one.
            fields.sort_all_objects();
            StoredEntry::new(place, fields)
        }
        Err(error) => StoredEntry::unreadable(place, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::budget::Usage;
    use domain::ids::{Generation, TicketKey};
    use domain::person::Actor;
    use domain::workflow::Event;

    use super::*;

    fn entry() -> AuditEntry {
        let id = WorkflowId::derive(&TicketKey::flux_lens("7"), Generation::FIRST);
        let usage = Usage { input_tokens: u64::MAX, turns: 3, ..Usage::default() };
        let event = Event::FoundUnsuitable { reason: String::new(), usage };
        let genesis = domain::audit::genesis(&id);
        let mut entry = AuditEntry {
            workflow_id: id,
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: Actor::system("planner"),
            from: WorkflowState::Planning,
            to: WorkflowState::NotSuitable,
            event,
            previous: genesis,
            hash: genesis,
        };
        entry.hash = entry.compute_hash().unwrap();
        entry
    }

    fn verify(item: Item) -> Option<(u64, String)> {
        let entry = entry();
        let head = Some(AuditHead { seq: 1, hash: entry.hash });
        let trail = Trail { workflow_id: entry.workflow_id, entries: vec![stored(item)], head };
        trail.verify().err().map(|broken| (broken.seq, broken.problem.to_string()))
    }

    #[test]
    fn what_is_stored_has_the_hash_of_what_was_written() {
        let item = audit_item(&entry()).unwrap();
        assert_eq!(stored(item.clone()).entry().unwrap(), entry());
        assert_eq!(verify(item), None);
    }

    #[test]
    fn an_attribute_that_is_none_of_an_entrys_counts() {
        for name in ["extra", keys::EXPIRES_AT, keys::BY_STATE_PK] {
            let mut item = audit_item(&entry()).unwrap();
            item.insert(name.to_owned(), s("x"));
            assert_eq!(verify(item), Some((1, "its content was changed".to_owned())), "{name}");
        }
        let mut item = audit_item(&entry()).unwrap();
        item.insert("event".to_owned(), AttributeValue::B(Blob::new(*b"x")));
        assert!(verify(item).unwrap().1.starts_with("it cannot be read: "));
    }

    #[test]
    fn the_key_is_the_place() {
        let moved = |key: &str| {
            let mut item = audit_item(&entry()).unwrap();
            item.insert(keys::SK.to_owned(), s(key));
            verify(item).unwrap().1
        };
        assert_eq!(moved(&keys::audit(2)), "it is missing");
        assert_eq!(moved("1"), "something without a number stands in its place");
        assert_eq!(moved(&keys::audit(0)), "entry 0 stands in its place");
    }
}

//! Inboxes: for each open gate one row for everybody who is asked and has not approved, with what a list says of it.
//! A list of a thousand gates is thereby one query of small rows.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::gate::policy::RiskReason;
use domain::gate::{Gate, GateKind, GateStatus, Subject};
use domain::ids::{GateId, Repository, WorkflowId};
use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::gates::Gates;
use crate::keys;
use crate::row::{self, Item, s};
use crate::workflows::built;

/// Longest title in an inbox, characters.
const MAX_TITLE: usize = 200;

/// A gate that somebody is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Which.
    pub gate: GateId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// What is asked about.
    pub kind: GateKind,
    /// The SPEC's revision, or the pull request's number.
    pub number: u64,
    /// What a decision has to name.
    pub subject_digest: Digest,
    /// The ticket's title, cut to one short line.
    #[serde(default)]
    pub title: String,
    /// The ticket's repository.
    #[serde(default)]
    pub repository: Option<Repository>,
    /// Who asked for the change.
    pub requester: String,
    /// Since when people are asked.
    pub created_at: Timestamp,
    /// Until when.
    pub due_at: Timestamp,
    /// How many approvals it takes.
    pub required: u32,
    /// What raises the risk.
    #[serde(default)]
    pub risk: Vec<RiskReason>,
}

impl InboxItem {
    /// What lists say of a gate.
    pub fn of(gate: &Gate) -> Self {
        let number = match &gate.subject {
            Subject::Spec { revision, .. } => u64::from(revision.get()),
            Subject::Pr { number, .. } => *number,
        };
        let about = gate.about.as_ref();
        Self {
            gate: gate.id.clone(),
            workflow_id: gate.workflow_id.clone(),
            kind: gate.subject.kind(),
            number,
            subject_digest: gate.subject_digest,
            title: about.map(|about| domain::text::one_line(&about.title, MAX_TITLE)).unwrap_or_default(),
            repository: about.map(|about| about.repository.clone()),
            requester: gate.requester.label().to_owned(),
            created_at: gate.created_at,
            due_at: gate.due_at,
            required: gate.quorum.required,
            risk: gate.quorum.reasons.clone(),
        }
    }
}

/// An item is one attribute: a thousand rows of a dozen attributes take the reader several times as long.
#[derive(Serialize, Deserialize)]
struct InboxRow {
    words: String,
}

fn malformed(gate: &GateId, error: serde_json::Error) -> StoreError {
    StoreError::malformed(format!("the inbox row of {gate}"), error)
}

/// The rows of a gate by their partitions: one for each address of those who are asked and have not approved.
fn rows(gate: &Gate) -> BTreeMap<String, InboxItem> {
    if gate.status != GateStatus::Pending {
        return BTreeMap::new();
    }
    let emails = gate.awaited().filter_map(|person| person.email.as_deref());
    emails.map(|email| (keys::inbox(email), InboxItem::of(gate))).collect()
}

impl Gates {
    /// The writes to the inboxes when a gate becomes another; `None` before it was opened.
    pub(crate) fn inbox_writes(
        &self,
        before: Option<&Gate>,
        after: &Gate,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (old, new) = (before.map(rows).unwrap_or_default(), rows(after));
        let mut writes = Vec::new();
        for (partition, item) in new.iter().filter(|(partition, item)| old.get(*partition) != Some(item)) {
            let put = Put::builder().table_name(&self.table);
            let row = InboxRow { words: serde_json::to_string(item).map_err(|error| malformed(&after.id, error))? };
            let put = put.set_item(Some(row::item(partition.clone(), after.id.as_str(), &row)?)).build();
            writes.push(TransactWriteItem::builder().put(built(put)?).build());
        }
        for partition in old.keys().filter(|partition| !new.contains_key(*partition)) {
            let key = row::key(partition.clone(), after.id.as_str());
            let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
            writes.push(TransactWriteItem::builder().delete(built(delete)?).build());
        }
        Ok(writes)
    }

    /// The open gates that a person is asked about and has not approved, the one due first first. A row that cannot be
    /// read is logged and left out, so that it hides no other.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn inbox(&self, email: &str) -> Result<Vec<InboxItem>, StoreError> {
        let items: Vec<Item> = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::inbox(email)))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| StoreError::service("reading an inbox", error))?;
        let item = |row: Item| -> Result<InboxItem, StoreError> {
            let row: InboxRow = row::value(row)?;
            serde_json::from_str(&row.words).map_err(|error| StoreError::malformed("an inbox row", error))
        };
        let read = |row| item(row).inspect_err(|error| tracing::error!(%error, "an inbox row is unreadable")).ok();
        let mut found: Vec<InboxItem> = items.into_iter().filter_map(read).collect();
        found.sort_by(|a, b| a.due_at.cmp(&b.due_at).then_with(|| a.gate.cmp(&b.gate)));
        Ok(found)
    }
}

//! What somebody could do who may write to the tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::{AuditEntry, AuditHead};
use domain::ids::WorkflowId;
use domain::person::Actor;
use stack::Stack;
use store::keys;

type Item = HashMap<String, AttributeValue>;

/// Somebody with all permissions for a deployment's tables.
pub(crate) struct Tampering<'s> {
    stack: &'s Stack,
    id: WorkflowId,
}

impl<'s> Tampering<'s> {
    pub(crate) fn with(stack: &'s Stack, id: &WorkflowId) -> Self {
        Self { stack, id: id.clone() }
    }

    fn table(&self, output: &str) -> &str {
        self.stack.outputs().get(output).unwrap()
    }

    async fn items(&self, output: &str) -> Vec<Item> {
        let query = self.stack.aws().dynamodb.query().table_name(self.table(output)).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(keys::workflow(&self.id)));
        query.send().await.unwrap().items.unwrap()
    }

    async fn put(&self, output: &str, item: Item) {
        self.stack.aws().dynamodb.put_item().table_name(self.table(output)).set_item(Some(item)).send().await.unwrap();
    }

    /// Everything that the tables say of the workflow.
    pub(crate) async fn remember(&self) -> [Vec<Item>; 2] {
        [self.items("StateTable").await, self.items("AuditTable").await]
    }

    /// Puts everything back.
    pub(crate) async fn restore(&self, [state, audit]: [Vec<Item>; 2]) {
        for item in state {
            self.put("StateTable", item).await;
        }
        for item in audit {
            self.put("AuditTable", item).await;
        }
    }

    /// Another reason in the place of what an entry says, and nothing else.
    pub(crate) async fn edit(&self, seq: u64) {
        let mut item = self.items("AuditTable").await.into_iter().find(|item| is(item, seq)).unwrap();
        item.insert("at".to_owned(), AttributeValue::S("2026-11-22T10:00:00Z".to_owned()));
        self.put("AuditTable", item).await;
    }

    /// Takes the entries after `last` away and makes the row agree.
    pub(crate) async fn cut(&self, last: u64) {
        let entries = self.stack.store().audit_trail(&self.id).await.unwrap();
        for entry in entries.iter().filter(|entry| entry.seq > last) {
            let delete = self.stack.aws().dynamodb.delete_item().table_name(self.table("AuditTable"));
            let delete = delete.key(keys::PK, AttributeValue::S(keys::workflow(&self.id)));
            delete.key(keys::SK, AttributeValue::S(keys::audit(entry.seq))).send().await.unwrap();
        }
        self.name_head(&entries.into_iter().find(|entry| entry.seq == last).unwrap()).await;
    }

    /// Writes an entry and all after it anew, with hashes that fit, and makes the row agree.
    pub(crate) async fn rewrite(&self, seq: u64) {
        let mut entries = self.stack.store().audit_trail(&self.id).await.unwrap();
        let from = usize::try_from(seq - 1).unwrap();
        entries[from].actor = Actor::system("somebody else");
        for index in from..entries.len() {
            entries[index].previous = entries[index - 1].hash;
            entries[index].hash = entries[index].compute_hash().unwrap();
            let mut item =
                self.items("AuditTable").await.into_iter().find(|item| is(item, entries[index].seq)).unwrap();
            item.insert("previous".to_owned(), AttributeValue::S(entries[index].previous.to_string()));
            item.insert("hash".to_owned(), AttributeValue::S(entries[index].hash.to_string()));
            if index == from {
                let component = AttributeValue::S("somebody else".to_owned());
                let actor =
                    [("kind".to_owned(), AttributeValue::S("system".to_owned())), ("component".to_owned(), component)];
                item.insert("actor".to_owned(), AttributeValue::M(actor.into()));
            }
            self.put("AuditTable", item).await;
        }
        self.name_head(entries.last().unwrap()).await;
    }

    async fn name_head(&self, last: &AuditEntry) {
        let head = AuditHead { seq: last.seq, hash: last.hash };
        let is_row = |item: &Item| item[keys::SK] == AttributeValue::S(keys::META.to_owned());
        let mut row = self.items("StateTable").await.into_iter().find(is_row).unwrap();
        let fields = [
            ("seq".to_owned(), AttributeValue::N(head.seq.to_string())),
            ("hash".to_owned(), AttributeValue::S(head.hash.to_string())),
        ];
        row.insert("audit".to_owned(), AttributeValue::M(fields.into()));
        self.put("StateTable", row).await;
    }
}

fn is(item: &Item, seq: u64) -> bool {
    item[keys::SK] == AttributeValue::S(keys::audit(seq))
}

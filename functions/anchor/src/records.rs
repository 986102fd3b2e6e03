//! New heads among stream records.
//!
//! Only the fields that are used are read, each record by itself, so that a strange one does not take the others
//! along.

use domain::Timestamp;
use domain::audit::{Anchor, AuditHead};
use domain::ids::WorkflowId;
use serde::Deserialize;
use serde_json::Value;
use store::keys;

/// What a batch has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// New heads, in the order of the stream.
    pub anchors: Vec<Anchor>,
    /// Number of workflows' rows whose head cannot be read.
    pub unreadable: usize,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "NewImage")]
    new_image: serde_dynamo::Item,
}

#[derive(Deserialize)]
struct WorkflowRow {
    id: WorkflowId,
    audit: AuditHead,
    updated_at: Timestamp,
}

/// The heads of the workflows' rows among a batch's records. Total: what cannot be read is logged and counted.
pub fn heads(event: Value) -> Heads {
    let records = match event {
        Value::Object(mut fields) => fields.remove("Records"),
        _ => None,
    };
    let Some(Value::Array(records)) = records else {
        tracing::error!("the event is not a batch of stream records");
        return Heads { unreadable: 1, ..Heads::default() };
    };
    let mut heads = Heads::default();
    for record in records.into_iter().filter(is_workflow) {
        let pk = key(&record, keys::PK).to_owned();
        match read(record, &pk) {
            Ok(anchor) => heads.anchors.push(anchor),
            Err(error) => {
                heads.unreadable += 1;
                tracing::error!(pk, %error, "the head in a workflow's row cannot be read; it is not anchored");
            }
        }
    }
    heads
}

/// Whether it is about the row of a workflow that is there now.
fn is_workflow(record: &Value) -> bool {
    record.get("eventName") != Some(&Value::from("REMOVE"))
        && key(record, keys::SK) == keys::META
        && keys::workflow_of(key(record, keys::PK)).is_some()
}

fn key<'r>(record: &'r Value, name: &str) -> &'r str {
    record.pointer(&format!("/dynamodb/Keys/{name}/S")).and_then(Value::as_str).unwrap_or_default()
}

fn read(record: Value, pk: &str) -> Result<Anchor, String> {
    let record: Record = serde_json::from_value(record).map_err(|error| error.to_string())?;
    let row: WorkflowRow = serde_dynamo::from_item(record.dynamodb.new_image).map_err(|error| error.to_string())?;
    if keys::workflow(&row.id) != pk {
        return Err(format!("it says that it is of {}", row.id));
    }
    Ok(Anchor { workflow_id: row.id, seq: row.audit.seq, hash: row.audit.hash, at: row.updated_at })
}

#[cfg(test)]
mod tests {
    use domain::Digest;
    use domain::ids::{Generation, TicketKey};
    use serde_json::json;

    use super::*;

    fn id() -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens("7"), Generation::FIRST)
    }

    fn record(event_name: &str, pk: &str, sk: &str, seq: u64) -> Value {
        let (pk, sk) = (json!({ "S": pk }), json!({ "S": sk }));
        json!({
            "eventID": "1", "eventName": event_name, "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "Keys": { "pk": pk, "sk": sk },
                "NewImage": {
                    "pk": pk, "sk": sk, "id": { "S": id().as_str() }, "version": { "N": "3" }, "state": { "S": "PLANNING" },
                    "updated_at": { "S": "2026-11-22T10:00:00Z" },
                    "audit": { "M": { "seq": { "N": seq.to_string() }, "hash": { "S": Digest::of("x").to_string() } } },
                },
                "SequenceNumber": "1", "SizeBytes": 100, "StreamViewType": "NEW_IMAGE",
            },
        })
    }

    #[test]
    fn every_image_of_a_workflows_row_is_a_head() {
        let pk = keys::workflow(&id());
        let batch = json!({ "Records": [
            record("INSERT", &pk, "META", 1),
            record("INSERT", &pk, "OUTBOX#0000000001", 9),
            record("MODIFY", &pk, "META", 2),
            record("MODIFY", "SLOTS#runs", "META", 9),
            { "eventName": "REMOVE", "dynamodb": { "Keys": { "pk": { "S": pk }, "sk": { "S": "META" } } } },
            3,
        ]});
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        let anchor = |seq| Anchor { workflow_id: id(), seq, hash: Digest::of("x"), at };
        assert_eq!(heads(batch), Heads { anchors: vec![anchor(1), anchor(2)], unreadable: 0 });
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_rest_stays() {
        let pk = keys::workflow(&id());
        let spoilt = |field: &str| {
            let mut record = record("MODIFY", &pk, "META", 1);
            record["dynamodb"]["NewImage"].as_object_mut().unwrap().remove(field);
            record
        };
        let other = keys::workflow(&id()).replace("-1", "-2");
        let batch = json!({ "Records": [
            spoilt("audit"), spoilt("updated_at"), spoilt("id"), record("MODIFY", &other, "META", 1),
            record("MODIFY", &pk, "META", 5),
        ]});
        let found = heads(batch);
        assert_eq!((found.anchors.len(), found.unreadable), (1, 4));
        for strange in [json!(null), json!([]), json!({}), json!({ "Records": 1 })] {
            assert_eq!(heads(strange), Heads { anchors: vec![], unreadable: 1 });
        }
    }
}

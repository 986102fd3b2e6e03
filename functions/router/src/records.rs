//! New outbox rows among stream records.
//!
//! Only the fields that are used are read, each record by itself, so that a strange one does not take the others
//! along.

use domain::ids::WorkflowId;
use domain::outbox::{OutboxChannel, OutboxPointer};
use serde::Deserialize;
use serde_json::Value;

/// Start of the sort keys of outbox rows, as `store` writes them.
const OUTBOX_PREFIX: &str = "OUTBOX#";

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
struct OutboxRow {
    workflow_id: WorkflowId,
    seq: u64,
    channel: OutboxChannel,
}

/// Where the batch's new outbox rows are, in the order of the stream. Total: what cannot be read is logged and left
/// out.
pub fn pointers(event: Value) -> Vec<(OutboxChannel, OutboxPointer)> {
    let records = match event {
        Value::Object(mut fields) => fields.remove("Records"),
        _ => None,
    };
    let Some(Value::Array(records)) = records else {
        tracing::error!("the event is not a batch of stream records");
        return Vec::new();
    };
    records.into_iter().filter_map(pointer).collect()
}

fn pointer(record: Value) -> Option<(OutboxChannel, OutboxPointer)> {
    if record.get("eventName") != Some(&Value::from("INSERT")) {
        return None;
    }
    let key = |name: &str| {
        let value = record.pointer(&format!("/dynamodb/NewImage/{name}/S"));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (pk, sk) = (key("pk"), key("sk"));
    if !sk.starts_with(OUTBOX_PREFIX) {
        return None;
    }
    match read(record) {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::error!(pk, sk, %error, "an outbox row cannot be read; its message is not sent");
            None
        }
    }
}

fn read(record: Value) -> Result<(OutboxChannel, OutboxPointer), String> {
    let record: Record = serde_json::from_value(record).map_err(|error| error.to_string())?;
    let row: OutboxRow = serde_dynamo::from_item(record.dynamodb.new_image).map_err(|error| error.to_string())?;
    Ok((row.channel, OutboxPointer { workflow_id: row.workflow_id, seq: row.seq }))
}

#[cfg(test)]
mod tests {
    use domain::ids::{Generation, TicketKey};
    use serde_json::json;

    use super::*;

    fn id() -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens("7"), Generation::FIRST)
    }

    fn record(event_name: &str, sk: &str, channel: &str) -> Value {
        json!({
            "eventID": "1", "eventName": event_name, "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "Keys": {"pk": {"S": format!("WF#{}", id())}, "sk": {"S": sk}},
                "NewImage": {
                    "pk": {"S": format!("WF#{}", id())}, "sk": {"S": sk},
                    "workflow_id": {"S": id().as_str()}, "seq": {"N": "2"}, "channel": {"S": channel},
                    "message": {"M": {"channel": {"S": channel}, "notice": {"M": {"kind": {"S": "work_started"}}}}},
                    "created_at": {"S": "2026-11-22T10:00:00Z"}, "sent_at": {"NULL": true},
                },
                "SequenceNumber": "1", "SizeBytes": 100, "StreamViewType": "NEW_IMAGE",
            },
        })
    }

    #[test]
    fn only_new_outbox_rows_count() {
        let batch = json!({"Records": [
            record("INSERT", "META", "ticket"),
            record("INSERT", "OUTBOX#0000000002", "ticket"),
            record("MODIFY", "OUTBOX#0000000002", "ticket"),
            record("INSERT", "OUTBOX#0000000003", "email"),
            {"eventName": "REMOVE", "dynamodb": {"Keys": {}}},
        ]});
        let found = pointers(batch);
        let pointer = OutboxPointer { workflow_id: id(), seq: 2 };
        assert_eq!(found, [(OutboxChannel::Ticket, pointer.clone()), (OutboxChannel::Email, pointer)]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_stays() {
        let mut no_seq = record("INSERT", "OUTBOX#1", "ticket");
        no_seq["dynamodb"]["NewImage"].as_object_mut().unwrap().remove("seq");
        let mut bad_value = record("INSERT", "OUTBOX#1", "ticket");
        bad_value["dynamodb"]["NewImage"]["seq"] = json!({"X": true});
        let batch = json!({"Records": [
            no_seq, bad_value, record("INSERT", "OUTBOX#1", "carrier pigeon"), 3, null, {"eventName": "INSERT"},
            record("INSERT", "OUTBOX#1", "email"),
        ]});
        assert_eq!(pointers(batch).len(), 1);
        for strange in [json!(null), json!([]), json!({}), json!({"Records": 1})] {
            assert_eq!(pointers(strange), []);
        }
    }
}

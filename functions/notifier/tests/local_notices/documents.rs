//! Messages, rows and documents that are not what they should be.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::Revision;
use domain::outbox::OutboxChannel;
use domain::spec::FileAction;
use serde_json::json;
use store::keys::{self, objects};
use testkit::sample::{self, sha};

use crate::office::{Office, PLAN};

#[tokio::test]
async fn a_message_of_a_later_version_is_read_and_nonsense_stays() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.put(&json!({ "workflow_id": workflow.id, "seq": 1, "version": 9, "colour": "red" }).to_string()).await;
    office.put(&json!({ "workflow_id": workflow.id, "seq": 99 }).to_string()).await;
    assert_eq!(office.deliver().await, 0, "a row that is gone is nothing to wait for");
    let sent = office.world.store.outbox(&workflow.id).await.unwrap();
    assert_eq!(sent.iter().filter(|row| row.sent_at.is_some()).count(), 1);

    let before = office.world.everything().await;
    for body in ["{}", "null", r#"{"workflow_id": "../x", "seq": 1}"#] {
        office.put(body).await;
    }
    assert_eq!(office.deliver().await, 3);
    assert_eq!(office.deliver().await, 3, "until the queue's limit");
    assert_eq!(office.world.everything().await, before);
}

/// A row that a later version wrote waits for that version.
#[tokio::test]
async fn a_notice_that_is_not_known_stays_and_is_not_marked() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    let first = &office.world.store.outbox(&workflow.id).await.unwrap()[0];
    let dynamodb = aws_sdk_dynamodb::Client::new(&office.world.aws);
    let update = dynamodb.update_item().table_name(&office.world.names.state);
    let update = update.key("pk", AttributeValue::S(keys::workflow(&workflow.id)));
    let update = update.key("sk", AttributeValue::S(keys::outbox(first.seq)));
    let update = update.update_expression("SET message.notice.kind = :kind");
    update.expression_attribute_values(":kind", AttributeValue::S("celebrated".to_owned())).send().await.unwrap();

    office.put(&json!({ "workflow_id": workflow.id, "seq": first.seq }).to_string()).await;
    assert_eq!(office.deliver().await, 1);
    let rows = office.world.rows(&office.world.names.state).await;
    let row = rows.into_iter().find(|row| row["sk"] == AttributeValue::S(keys::outbox(first.seq))).unwrap();
    assert_eq!(row["sent_at"], AttributeValue::Null(true));
    assert!(office.tracker.state().calls.is_empty());
}

#[tokio::test]
async fn another_spec_than_the_proposed_one_is_told_to_nobody() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    let key = objects::spec_json(&workflow.id, Revision::FIRST);
    let other = sample::spec(&workflow, &sha("b"), &[("src/backdoor.js", FileAction::Create)]);
    let good = office.world.objects.get(&key, 1 << 20).await.unwrap();
    office.announce(&workflow.id).await;
    for bad in [serde_json::to_vec(&other).unwrap(), b"{".to_vec()] {
        office.world.objects.put(&key, bad, "application/json").await.unwrap();
        assert_eq!(office.deliver().await, 2, "the comment and the mail");
        assert_eq!((office.comments().len(), office.recipients().len()), (0, 0));
    }
    office.world.objects.put(&key, good, "application/json").await.unwrap();
    assert_eq!(office.deliver().await, 0);
    assert_eq!((office.comments().len(), office.recipients().len()), (1, 3));
}

/// A sandbox has an address to write its report to.
#[tokio::test]
async fn another_qa_report_than_the_collected_one_is_mailed_to_nobody() {
    let office = Office::start().await;
    let workflow = office.published().await;
    let mut better = sample::qa(&workflow);
    better.gates[0].name = "every test".to_owned();
    let (key, better) = (objects::qa_json(&workflow.id, workflow.attempt), serde_json::to_vec(&better).unwrap());
    office.world.objects.put(&key, better, "application/json").await.unwrap();
    office.announce_from(&workflow.id, PLAN).await;
    assert_eq!(office.deliver().await, 1);
    assert!(office.recipients().is_empty());
    let rows = office.world.store.outbox(&workflow.id).await.unwrap();
    let waiting: Vec<_> = rows
        .iter()
        .filter(|row| matches!(row.channel, OutboxChannel::Email | OutboxChannel::Ticket))
        .skip(PLAN)
        .filter(|row| row.sent_at.is_none())
        .map(|row| row.channel)
        .collect();
    assert_eq!(waiting, [OutboxChannel::Email]);
}

//! At least once, and hardly ever twice.

use domain::Timestamp;
use domain::outbox::{OutboxChannel, OutboxPointer};
use testkit::sample::{at, now};

use crate::office::{APPROVERS, Office};

/// When the lease of a sender who began at [`now`] is over.
fn later() -> Timestamp {
    at(121)
}

#[tokio::test]
async fn what_is_delivered_again_is_not_sent_again() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    office.announce(&workflow.id).await;
    let busy = office.deliver().await;
    assert!(busy <= 3, "of two at once one may find the other at it: {busy}");
    assert_eq!(office.deliver().await, 0);
    let before = office.world.everything().await;
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.world.everything().await, before);
    assert_eq!((office.comments().len(), office.recipients()), (1, APPROVERS.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn of_two_senders_at_once_one_sends() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    let messages = office.receive().await;
    assert_eq!(messages.len(), 3);
    let (a, b) = (office.notifier(), office.notifier());
    let (first, second) = tokio::join!(office.invoke(&a, &messages, now), office.invoke(&b, &messages, now));
    assert!(first.iter().all(|id| !second.contains(id)), "no message failed with both: {first:?} {second:?}");
    assert_eq!((office.comments().len(), office.recipients()), (1, APPROVERS.map(str::to_owned).to_vec()));
    assert!(office.all_sent(&workflow.id).await);
}

#[tokio::test]
async fn a_sender_that_died_is_waited_for_as_long_as_its_lease() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    for row in office.world.store.outbox(&workflow.id).await.unwrap() {
        office.world.store.take_outbox(&workflow.id, row.seq, now()).await.unwrap().unwrap();
    }
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 3, "they stay on the queue");
    assert_eq!((office.comments().len(), office.recipients().len()), (0, 0));
    assert_eq!(office.deliver_by(&office.notifier(), later).await, 0);
    assert_eq!((office.comments().len(), office.recipients().len()), (1, 3));
}

#[tokio::test]
async fn a_sender_that_died_among_the_recipients_is_followed_by_one_who_goes_on() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    let store = &office.world.store;
    let rows = store.outbox(&workflow.id).await.unwrap();
    let mail = rows.iter().find(|row| row.channel == OutboxChannel::Email).unwrap();
    store.take_outbox(&workflow.id, mail.seq, now()).await.unwrap().unwrap();
    for name in ["ann@acme.example", "rita@acme.example"] {
        store.mark_sent_to(&workflow.id, mail.seq, name).await.unwrap();
    }
    let pointer = OutboxPointer { workflow_id: workflow.id.clone(), seq: mail.seq };
    office.put(&serde_json::to_string(&pointer).unwrap()).await;
    assert_eq!(office.deliver_by(&office.notifier(), later).await, 0);
    assert_eq!(office.recipients(), ["bob@acme.example"]);
}

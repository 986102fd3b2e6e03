//! Gates, inboxes and links.

use domain::gate::requests::LinkGrant;
use domain::gate::{DecisionRequest, Gate, GateStatus, Verdict};
use domain::ids::{LinkId, Revision};
use domain::workflow::{Event, Workflow};
use futures::future::join_all;
use store::{InboxItem, StoreError};
use testkit::World;
use testkit::sample::{at, by, gate, now, person, ticket};

fn decided(gate: &Gate, verdict: Verdict, name: &str) -> Gate {
    let subject_digest = Some(gate.subject_digest);
    let request =
        DecisionRequest { verdict, by: by(name), subject_digest, comment: Some(name.to_owned()), sections: vec![] };
    gate.decide(request, at(1)).unwrap()
}

async fn planning(world: &World, id: &str) -> Workflow {
    let begun = world.begin(&ticket(id)).await;
    world.tell(&begun.id, [Event::PlanningStarted { revision: Revision::FIRST }]).await
}

async fn opened(world: &World, id: &str) -> Gate {
    let gate = gate(&planning(world, id).await);
    world.gates.write(world.gates.open_writes(&gate).unwrap()).await.unwrap();
    gate
}

#[tokio::test]
async fn of_many_deciders_at_once_exactly_one_wins() {
    let world = World::start().await;
    let gate = opened(&world, "FL-1").await;
    let decide = async |n: usize| {
        let (verdict, name) = if n.is_multiple_of(2) { (Verdict::Approve, "ann") } else { (Verdict::Reject, "bob") };
        let decided = decided(&gate, verdict, name);
        world.gates.write(world.gates.change_writes(&gate, &decided).unwrap()).await.map(|()| decided)
    };
    let results = join_all((0..32).map(decide)).await;
    let won: Vec<&Gate> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    let lost = results.iter().filter(|result| matches!(result, Err(StoreError::Conflict(_)))).count();
    assert_eq!(lost, 31);
    assert_eq!(world.gates.gate(&gate.id).await.unwrap().as_ref(), Some(won[0]));
}

#[tokio::test]
async fn a_change_of_another_gate_than_the_stored_one_does_not_count() {
    let world = World::start().await;
    let gate = opened(&world, "FL-1").await;
    let before = world.everything().await;
    let decided = decided(&gate, Verdict::Approve, "ann");
    let another_subject = Gate { subject_digest: domain::Digest::of("another"), ..gate.clone() };
    let another_version = Gate { version: 1, ..gate.clone() };
    for other in [another_subject, another_version] {
        let refused = world.gates.write(world.gates.change_writes(&other, &decided).unwrap()).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))));
    }
    assert_eq!(world.everything().await, before);
    let reopened = world.gates.write(world.gates.open_writes(&gate).unwrap()).await;
    assert!(matches!(reopened, Err(StoreError::Conflict(_))), "a gate is opened once");
}

#[tokio::test]
async fn a_gate_is_due_then_undelivered_then_neither() {
    let world = World::start().await;
    let gate = opened(&world, "FL-1").await;
    let due = async |second| world.gates.due(at(second), 10).await.unwrap();
    let undelivered = async |second| world.gates.undelivered(at(second), 10).await.unwrap();

    assert_eq!(due(1_799).await, []);
    assert_eq!(due(1_800).await, std::slice::from_ref(&gate.id), "half of the time has passed");
    assert!(world.gates.mark_delivered(&gate.id, now()).await.is_err(), "an open gate has no answer to deliver");
    assert_eq!(undelivered(9_999).await, []);

    let decided = decided(&gate, Verdict::Approve, "ann");
    world.gates.write(world.gates.change_writes(&gate, &decided).unwrap()).await.unwrap();
    assert_eq!(due(9_999).await, []);
    assert_eq!(undelivered(0).await, []);
    assert_eq!(undelivered(1).await, std::slice::from_ref(&gate.id));

    world.gates.mark_delivered(&gate.id, at(2)).await.unwrap();
    assert_eq!(undelivered(9_999).await, []);
    let stored = world.gates.gate(&gate.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.delivered_at), (GateStatus::Approved, Some(at(2))));
}

#[tokio::test]
async fn an_inbox_has_the_open_gates_of_its_person() {
    let world = World::start().await;
    let (first, second) = (opened(&world, "FL-1").await, opened(&world, "FL-2").await);
    let inbox = async |email: &str| world.gates.inbox(email).await.unwrap().len();
    assert_eq!(inbox("ann@acme.example").await, 2);
    assert_eq!(inbox("ANN@acme.example").await, 2, "addresses compare without case");
    assert_eq!(inbox("rita@acme.example").await, 0);

    let decided = decided(&first, Verdict::Approve, "ann");
    world.gates.write(world.gates.change_writes(&first, &decided).unwrap()).await.unwrap();
    let left = world.gates.inbox("bob@acme.example").await.unwrap();
    assert_eq!(left, [InboxItem::of(&second)], "for everybody who was asked");

    // Rows follow what is asked: a later deadline is seen, and nobody is asked twice.
    let later = Gate { due_at: at(9_000), version: second.version + 1, ..second.clone() };
    world.gates.write(world.gates.change_writes(&second, &later).unwrap()).await.unwrap();
    let left = world.gates.inbox("bob@acme.example").await.unwrap();
    assert_eq!(left.iter().map(|item| item.due_at).collect::<Vec<_>>(), [at(9_000)]);
}

#[tokio::test]
async fn a_link_is_at_rest_only_as_its_digest() {
    let world = World::start().await;
    let gate = opened(&world, "FL-1").await;
    let link = LinkId::from_random([7; 32]);
    let grant = LinkGrant { gate: gate.id.clone(), subject_digest: gate.subject_digest, recipient: person("ann") };
    world.gates.put_link(&link, &grant, gate.due_at).await.unwrap();

    assert_eq!(world.gates.link(link.digest()).await.unwrap(), Some(grant.clone()));
    assert_eq!(world.gates.link(LinkId::from_random([8; 32]).digest()).await.unwrap(), None);
    let everything = world.everything().await;
    assert!(everything.contains(&link.digest().to_string()), "the search finds what is there");
    assert!(!everything.contains(link.expose()));
    let twice = world.gates.put_link(&link, &grant, gate.due_at).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
}

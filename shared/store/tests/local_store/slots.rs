//! Slots.

use std::collections::BTreeSet;

use domain::ids::{Generation, TicketKey, WorkflowId};
use domain::slot::{SlotPool, Waiter};
use domain::ticket::Priority;
use futures::future::join_all;
use store::Grant;
use testkit::World;
use testkit::sample::at;

const POOL: SlotPool = SlotPool::Run;

fn id(n: u32) -> WorkflowId {
    WorkflowId::derive(&TicketKey::flux_lens(n.to_string()), Generation::FIRST)
}

fn waiter(n: u32, priority: Priority, second: i64) -> Waiter {
    Waiter { workflow_id: id(n), priority, since: at(second) }
}

fn granted(ids: &[u32]) -> Vec<Grant> {
    ids.iter().map(|n| Grant { workflow_id: id(*n) }).collect()
}

#[tokio::test]
async fn the_queue_is_served_by_priority_then_age_and_never_beyond_the_limit() {
    let world = World::start().await;
    let slots = &world.slots;
    for waiter in [
        waiter(1, Priority::Normal, 5),
        waiter(2, Priority::Low, 0),
        waiter(3, Priority::High, 9),
        waiter(4, Priority::Normal, 2),
    ] {
        slots.enqueue(POOL, &waiter).await.unwrap();
    }
    assert_eq!(slots.hand_over(POOL, 2).await.unwrap(), granted(&[3, 4]));
    assert_eq!(slots.hand_over(POOL, 2).await.unwrap(), granted(&[]), "all are taken");
    assert_eq!(slots.holders(SlotPool::Plan).await.unwrap(), BTreeSet::new(), "the other pool is another");

    slots.release(POOL, &id(4)).await.unwrap();
    assert_eq!(slots.hand_over(POOL, 2).await.unwrap(), granted(&[1]));
    slots.release(POOL, &id(4)).await.unwrap();
    assert_eq!(slots.hand_over(POOL, 2).await.unwrap(), granted(&[]), "released twice is released once");
    assert_eq!(slots.holders(POOL).await.unwrap(), [id(1), id(3)].into());
}

#[tokio::test]
async fn queueing_twice_or_as_a_holder_changes_nothing() {
    let world = World::start().await;
    let slots = &world.slots;
    slots.enqueue(POOL, &waiter(1, Priority::Normal, 0)).await.unwrap();
    slots.enqueue(POOL, &waiter(1, Priority::Normal, 7)).await.unwrap();
    assert_eq!(slots.queue(POOL).await.unwrap(), [waiter(1, Priority::Normal, 0)], "the place is kept");
    assert_eq!(slots.hand_over(POOL, 1).await.unwrap(), granted(&[1]));
    slots.enqueue(POOL, &waiter(1, Priority::Normal, 9)).await.unwrap();
    assert_eq!(slots.queue(POOL).await.unwrap(), []);

    slots.enqueue(POOL, &waiter(2, Priority::Normal, 0)).await.unwrap();
    slots.release(POOL, &id(2)).await.unwrap();
    assert!(!slots.is_waiting(POOL, &id(2)).await.unwrap(), "whoever releases leaves the queue too");
    assert!(slots.is_held(POOL, &id(1)).await.unwrap());
}

#[tokio::test]
async fn concurrent_hand_overs_grant_each_slot_once() {
    let world = World::start().await;
    let slots = &world.slots;
    for n in 0..6 {
        slots.enqueue(POOL, &waiter(n, Priority::Normal, n.into())).await.unwrap();
    }
    let results = join_all((0..8).map(|_| slots.hand_over(POOL, 4))).await;
    let mut grants: Vec<WorkflowId> =
        results.into_iter().flat_map(Result::unwrap).map(|grant| grant.workflow_id).collect();
    grants.sort_by_key(ToString::to_string);
    let holders: Vec<WorkflowId> = slots.holders(POOL).await.unwrap().into_iter().collect();
    assert_eq!(grants, holders, "each holder is told once");
    assert_eq!(holders.into_iter().collect::<BTreeSet<_>>(), (0..4).map(id).collect());
}

#[tokio::test]
async fn one_hand_over_fills_a_large_pool() {
    let world = World::start().await;
    for n in 0..30 {
        world.slots.enqueue(POOL, &waiter(n, Priority::Normal, n.into())).await.unwrap();
    }
    assert_eq!(world.slots.hand_over(POOL, 25).await.unwrap().len(), 25);
}

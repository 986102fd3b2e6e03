//! A message is sent under a lease.

use domain::ids::Revision;
use domain::outbox::Notice;
use domain::workflow::Event;
use futures::future::join_all;
use store::StoreError;
use testkit::World;
use testkit::sample::{at, now, ticket};

#[tokio::test]
async fn one_sender_at_a_time_has_a_message_until_it_is_sent() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    world.tell(&id, [Event::PlanningStarted { revision: Revision::FIRST }]).await;
    let take = async |second| world.store.take_outbox(&id, 1, at(second)).await;

    let taken = join_all((0..8).map(|_| take(0))).await;
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Ok(Some(_)))).count(), 1);
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Err(StoreError::Conflict(_)))).count(), 7);

    assert!(matches!(take(120).await, Err(StoreError::Conflict(_))), "until the lease is over");
    let row = take(121).await.unwrap().unwrap();
    assert_eq!((row.seq, row.message.notice), (1, Notice::WorkStarted));
    world.store.release_outbox(&id, 1).await.unwrap();
    assert!(take(122).await.unwrap().is_some(), "given back");

    for name in ["ann", "bob", "ann"] {
        world.store.mark_sent_to(&id, 1, name).await.unwrap();
    }
    let rows = world.store.outbox(&id).await.unwrap();
    assert_eq!(rows[0].sent_to.iter().collect::<Vec<_>>(), ["ann", "bob"]);

    world.store.mark_sent(&id, 1, at(130)).await.unwrap();
    assert_eq!(take(1_000_000).await.unwrap(), None, "sent is final");
    world.store.release_outbox(&id, 1).await.unwrap();
    assert_eq!(take(1_000_000).await.unwrap(), None, "also when it is given back afterwards");
}

#[tokio::test]
async fn a_message_that_does_not_exist_is_not_made_by_asking_for_it() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    let before = world.everything().await;
    assert!(matches!(world.store.take_outbox(&id, 1, now()).await, Err(StoreError::NotFound(_))));
    assert!(world.store.mark_sent(&id, 1, now()).await.is_err());
    assert_eq!(world.everything().await, before);
}

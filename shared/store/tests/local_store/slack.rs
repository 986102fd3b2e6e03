//! One sender at a time has a thread; a channel has a limit an hour.

use domain::Digest;
use domain::gate::GateKind;
use futures::future::join_all;
use store::{SlackBudget, SlackMessage, StoreError};
use testkit::World;
use testkit::sample::{at, ticket};

#[tokio::test]
async fn a_thread_keeps_what_was_posted_and_has_one_sender_at_a_time() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    let take = async |second| world.store.take_slack_thread(&id, at(second)).await;
    let taken = join_all((0..8).map(|_| take(0))).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Err(StoreError::Conflict(_)))).count(), 7);
    let mut thread = taken.into_iter().find_map(Result::ok).unwrap();
    assert_eq!((thread.told, thread.messages.len()), (0, 0));

    let gate = GateKind::Spec.gate_id(&id, 1).unwrap();
    let (channel, ts) = ("C0APPROVALS".to_owned(), "1.2".to_owned());
    thread.messages.push(SlackMessage { gate, channel, ts, shown: Digest::of("x") });
    thread.told = 4;
    world.store.save_slack_thread(&mut thread).await.unwrap();
    world.store.release_slack_thread(&thread).await.unwrap();
    let mut again = take(1).await.unwrap();
    assert_eq!((&again.messages, again.told), (&thread.messages, 4));

    // Whoever lost it writes over nobody's, and gives nothing back that is not theirs.
    thread.told = 99;
    assert!(matches!(world.store.save_slack_thread(&mut thread).await, Err(StoreError::Conflict(_))));
    world.store.release_slack_thread(&thread).await.unwrap();
    assert!(matches!(take(2).await, Err(StoreError::Conflict(_))), "it is still taken");
    world.store.save_slack_thread(&mut again).await.unwrap();
    assert_eq!(take(200).await.unwrap().told, 4, "a sender who died holds it up for a while only");
}

#[tokio::test]
async fn an_hour_has_its_limit_and_one_line_that_says_so() {
    let world = World::start().await;
    let count = async |second| world.store.count_slack_post("C1", 3, at(second)).await.unwrap();
    let counted = join_all((0..8).map(|_| count(0))).await;
    let of = |what| counted.iter().filter(|budget| **budget == what).count();
    assert_eq!((of(SlackBudget::Post), of(SlackBudget::SayLimit), of(SlackBudget::Quiet)), (3, 1, 4));
    assert_eq!(count(3_600).await, SlackBudget::Post, "another hour");
    assert_eq!(world.store.count_slack_post("C2", 3, at(0)).await.unwrap(), SlackBudget::Post, "another channel");

    let give_back = async |budget| world.store.return_slack_post("C1", budget, at(0)).await.unwrap();
    give_back(SlackBudget::SayLimit).await;
    assert_eq!(count(0).await, SlackBudget::SayLimit, "it was not said");
    for _ in 0..7 {
        give_back(SlackBudget::Post).await;
    }
    assert_eq!(count(0).await, SlackBudget::Post);
}

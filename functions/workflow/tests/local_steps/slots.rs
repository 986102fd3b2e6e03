//! Slots: one at a time.

use domain::ids::TaskToken;
use domain::slot::{Pause, Waiter};
use domain::steps::{Done, SlotOutput, WorkflowStep};
use domain::ticket::Priority;
use domain::workflow::{Event, Workflow};
use store::Line;
use testkit::Outcome;
use testkit::sample::{at, now, ticket};

use crate::desk::{Desk, POOL};

fn told(output: SlotOutput) -> Outcome {
    Outcome::Success(serde_json::to_value(output).unwrap())
}

async fn two(desk: &Desk) -> (Workflow, Workflow) {
    (desk.world.begin(&ticket("FL-1")).await, desk.world.begin(&ticket("FL-2")).await)
}

async fn ask_to_stop(desk: &Desk, workflow: &Workflow) {
    let cancel = Event::CancelRequested { reason: "not wanted".to_owned() };
    desk.world.tell(&workflow.id, [cancel]).await;
}

#[tokio::test]
async fn the_second_is_answered_only_when_the_first_gives_its_slot_back() {
    let desk = Desk::start().await;
    let (first, second) = two(&desk).await;
    let (a, b) = (desk.world.wait().await, desk.world.wait().await);
    desk.acquire(&first.id, &a.token, 0).await;
    assert_eq!(a.outcome().await, told(SlotOutput::Acquired));
    assert!(desk.world.tokens.slot(POOL, &first.id).await.unwrap().is_none(), "a token that was told is forgotten");

    desk.acquire(&second.id, &b.token, 1).await;
    desk.sweep().await;
    assert!(desk.world.tokens.slot(POOL, &second.id).await.unwrap().is_some(), "it was not told");
    assert!(!desk.world.slots.is_held(POOL, &second.id).await.unwrap());

    for _ in 0..2 {
        desk.release(&first.id).await;
    }
    assert_eq!(b.outcome().await, told(SlotOutput::Acquired));
    assert_eq!(desk.world.slots.holders(POOL).await.unwrap(), [second.id].into());
}

#[tokio::test]
async fn a_step_that_is_tried_again_is_told_again_and_keeps_its_place() {
    let desk = Desk::start().await;
    let (first, second) = two(&desk).await;
    let waits = [desk.world.wait().await, desk.world.wait().await];
    for (wait, second) in waits.iter().zip([0, 5]) {
        desk.acquire(&first.id, &wait.token, second).await;
        assert_eq!(wait.outcome().await, told(SlotOutput::Acquired));
    }
    desk.acquire(&second.id, &TaskToken::new("lost"), 6).await;
    let wait = desk.world.wait().await;
    desk.acquire(&second.id, &wait.token, 9).await;
    let queue = desk.world.slots.queue(POOL).await.unwrap();
    assert_eq!(queue.iter().map(|waiter| waiter.since).collect::<Vec<_>>(), [at(6)]);
    desk.release(&first.id).await;
    assert_eq!(wait.outcome().await, told(SlotOutput::Acquired), "the newest token is told");
}

#[tokio::test]
async fn a_pool_that_rests_hands_out_no_slot_until_it_goes_on() {
    let desk = Desk::start().await;
    let (first, second) = two(&desk).await;
    desk.acquire(&first.id, &TaskToken::new("first"), 0).await;
    let pause = Pause { by: "ann".to_owned(), since: at(1), reason: "The provider is away.".to_owned() };
    let rest = async |pause: Option<Pause>| {
        let _: Done = desk.step(WorkflowStep::PauseSlots { pool: POOL, pause }).await.unwrap();
    };
    rest(Some(pause.clone())).await;
    let wait = desk.world.wait().await;
    desk.acquire(&second.id, &wait.token, 2).await;
    // Whoever holds one goes on; neither that it is given back nor a sweep hands it over.
    assert_eq!(desk.world.slots.holders(POOL).await.unwrap(), [first.id.clone()].into());
    desk.release(&first.id).await;
    desk.sweep().await;
    assert!(desk.world.slots.holders(POOL).await.unwrap().is_empty());
    let line = desk.world.slots.line(POOL).await.unwrap();
    assert_eq!((line.waiters.len(), line.pause), (1, Some(pause)));

    rest(None).await;
    assert_eq!(wait.outcome().await, told(SlotOutput::Acquired), "it goes on at once");
    assert_eq!(desk.world.slots.line(POOL).await.unwrap(), Line::default());
}

#[tokio::test]
async fn whoever_is_cancelled_leaves_the_queue() {
    let desk = Desk::start().await;
    let (first, second) = two(&desk).await;
    let wait = desk.world.wait().await;
    desk.acquire(&first.id, &TaskToken::new("first"), 0).await;
    desk.acquire(&second.id, &wait.token, 1).await;
    desk.cancel(&second.id).await;
    assert_eq!(desk.world.slots.queue(POOL).await.unwrap().len(), 1, "nobody asked for it");

    ask_to_stop(&desk, &second).await;
    desk.cancel(&second.id).await;
    assert_eq!(wait.outcome().await, told(SlotOutput::Cancelled));
    assert_eq!(desk.world.slots.queue(POOL).await.unwrap(), []);

    let late = desk.world.wait().await;
    desk.acquire(&second.id, &late.token, 2).await;
    assert_eq!(late.outcome().await, told(SlotOutput::Cancelled), "it does not queue again");
    assert_eq!(desk.world.slots.queue(POOL).await.unwrap(), []);
}

#[tokio::test]
async fn a_sweep_gives_back_what_outlived_its_workflow_and_tells_whoever_was_not_told() {
    let desk = Desk::start().await;
    let (first, second) = two(&desk).await;
    desk.acquire(&first.id, &TaskToken::new("first"), 0).await;
    let wait = desk.world.wait().await;
    desk.acquire(&second.id, &wait.token, 1).await;
    // The first ended without giving its slot back.
    ask_to_stop(&desk, &first).await;
    desk.world.tell(&first.id, [Event::Cancelled]).await;
    desk.sweep().await;
    assert_eq!(wait.outcome().await, told(SlotOutput::Acquired));
    assert_eq!(desk.world.slots.holders(POOL).await.unwrap(), [second.id.clone()].into());

    // The slot was handed over, and whoever did it died before it said so.
    desk.world.slots.release(POOL, &second.id).await.unwrap();
    let third = desk.world.begin(&ticket("FL-3")).await;
    let wait = desk.world.wait().await;
    desk.world.tokens.put_slot(POOL, &third.id, &wait.token, now()).await.unwrap();
    let waiter = Waiter { workflow_id: third.id.clone(), priority: Priority::Normal, since: now() };
    desk.world.slots.enqueue(POOL, &waiter).await.unwrap();
    assert_eq!(desk.world.slots.hand_over(POOL, 1).await.unwrap().len(), 1);
    desk.sweep().await;
    assert_eq!(wait.outcome().await, told(SlotOutput::Acquired));
}

//! Two stacks at once know nothing of each other.

use std::collections::BTreeMap;

use crate::world::{World, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_play_the_same_ticket_at_the_same_time() {
    let scenario = scenario("pr-closed");
    let none = BTreeMap::new();
    let (left, right) = tokio::join!(World::start("left", &none), World::start("right", &none));
    assert_ne!(left.stack.engine().port(), right.stack.engine().port());
    let (one, other) = tokio::join!(left.play(&scenario), right.play(&scenario));
    assert_eq!((one.differences, other.differences), (Vec::new(), Vec::new()));
    assert_eq!(one.result.workflow_id, other.result.workflow_id);

    left.stop().await;
    // What is left of the other serves on.
    assert!(right.stack.console().get("/api/metrics").await.is_ok());
    right.stop().await;
}

//! Pull requests whose webhook may have been lost.

use domain::gate::GateKind;
use domain::ids::TaskToken;
use domain::inbound::{Inbound, InboundEvent};
use testkit::sample::{sha, ticket};

use crate::broom::Broom;

#[tokio::test]
async fn an_open_pull_request_is_looked_at_every_ten_minutes() {
    let broom = Broom::start().await;
    let workflow = broom.world.published(&ticket("FL-1"), &sha("b")).await;
    broom.world.execute(&broom.machine, workflow.id.as_str()).await;
    broom.open(&workflow, GateKind::Pr, &TaskToken::new("token")).await;
    let mut polled = Vec::new();
    for minute in 1..=10 {
        if broom.sweep(minute * 60).await.unwrap().polled == 1 {
            polled.push(minute);
        }
    }
    let [minute] = polled[..] else { panic!("{polled:?}") };
    broom.sweep(minute * 60 + 30).await.unwrap();
    let hints: Vec<InboundEvent> = broom
        .world
        .messages(&broom.queue)
        .await
        .into_iter()
        .map(|hint| serde_json::from_value(hint).unwrap())
        .collect();
    let [first, again] = &hints[..] else { panic!("{hints:?}") };
    assert_eq!(first.delivery_id, again.delivery_id, "twice in a minute is one delivery");
    assert_eq!(first.body_digest, again.body_digest);
    let Inbound::GithubHint(hint) = &first.event else { panic!("{first:?}") };
    assert_eq!((hint.repository.as_str(), hint.pull_request), ("acme/web", Some(5)));
}

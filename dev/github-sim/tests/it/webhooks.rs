//! Webhooks: signed, in order, tried again, logged.

use github_sim::{NewRepo, WebhookConfig, sign};
use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::{PERSONAL, World};

async fn world(receiver: &Receiver) -> World {
    let url = receiver.url.clone();
    World::start_with(|config| config.webhook = Some(WebhookConfig::new(url, "the key"))).await
}

#[tokio::test]
async fn deliveries_are_signed_and_in_order() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let number = world.open_pull("feature", PERSONAL).await;
    world.push("feature", "b.txt", "b\n").await;
    world.sim.review(&world.repo, number, Some("alice"), "APPROVE", "Good").await.unwrap();
    world.sim.merge(&world.repo, number, None, github_sim::MergeMethod::Merge).await.unwrap();
    world.sim.deliveries_idle().await;
    assert_eq!(
        receiver.names(),
        [
            "push",
            "pull_request.opened",
            "push",
            "pull_request.synchronize",
            "pull_request_review.submitted",
            "pull_request.closed",
            "push",
        ]
    );
    for event in receiver.received() {
        assert_eq!(event.header("x-hub-signature-256"), sign("the key", &event.body));
        assert_ne!(event.header("x-hub-signature-256"), sign("another key", &event.body));
        assert_eq!(event.header("content-type"), "application/json");
        assert_eq!(event.header("x-github-delivery").len(), 36);
        assert_eq!(event.json()["repository"]["full_name"], "acme/web");
        assert!(event.json()["installation"]["id"].is_u64());
    }
    let received = receiver.received();
    let closed = received[5].json();
    assert_eq!((&closed["pull_request"]["merged"], &closed["sender"]["login"]), (&json!(true), &json!("maintainer")));
    assert_eq!(received[4].json()["review"]["state"], "approved");
    let synchronize = received[3].json();
    assert_eq!(synchronize["after"], received[2].json()["after"]);
    assert_eq!(received[2].json()["commits"][0]["added"], json!(["b.txt"]));
    assert_eq!(received[0].json()["created"], true);
}

#[tokio::test]
async fn failures_are_tried_again_before_the_next_delivery() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    receiver.answer_with(&[500, 503]);
    world.push("one", "a", "a").await;
    world.push("two", "a", "b").await;
    world.sim.deliveries_idle().await;
    let refs: Vec<_> = receiver.received().iter().map(|r| r.json()["ref"].as_str().unwrap().to_owned()).collect();
    assert_eq!(refs, ["refs/heads/one", "refs/heads/one", "refs/heads/one", "refs/heads/two"]);
    let log = world.sim.deliveries();
    let statuses: Vec<_> = log[0].attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(500), Some(503), Some(202)]);
    assert!(log.iter().all(github_sim::Delivery::delivered));
}

#[tokio::test]
async fn a_lost_delivery_can_be_sent_again() {
    let receiver = Receiver::start().await;
    let mut lost = WebhookConfig::new("http://127.0.0.1:1/nobody", "the key");
    lost.attempts = 1;
    let world = World::start_with(|config| config.webhook = Some(lost)).await;
    world.push("one", "a", "a").await;
    world.sim.deliveries_idle().await;
    let delivery = world.sim.deliveries().remove(0);
    assert!(!delivery.delivered());
    assert!(delivery.attempts[0].error.is_some());

    world.sim.set_webhook(Some(WebhookConfig::new(&receiver.url, "the key")));
    world.sim.redeliver(delivery.id).unwrap();
    world.sim.redeliver(delivery.id).unwrap();
    world.sim.deliveries_idle().await;
    let received = receiver.received();
    assert_eq!(receiver.names(), ["ping", "push", "push"]);
    for event in &received[1..] {
        assert_eq!(event.header("x-github-delivery"), delivery.guid, "the same id");
        assert_eq!(event.body, delivery.body.as_bytes(), "the same bytes");
    }
    assert!(world.sim.redeliver(1).is_err(), "unknown");
}

#[tokio::test]
async fn repositories_without_the_app_send_nothing() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let mut new = NewRepo::new("acme", "quiet").file("a", "b");
    new.app_installed = false;
    world.sim.create_repo(new).await.unwrap();
    let push = serde_json::json!({ "branch": "x", "message": "m", "files": { "a": { "text": "c" } } });
    let pushed = world.control(reqwest::Method::POST, "/repos/acme/quiet/push", Some(push)).await;
    assert_eq!(pushed.status, 200, "{}", pushed.body);
    world.sim.deliveries_idle().await;
    assert_eq!(receiver.names(), [""; 0]);
}

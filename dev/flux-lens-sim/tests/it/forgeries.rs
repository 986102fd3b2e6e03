use flux_lens_sim::signing::{sign_simple, sign_standard};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{NOW, Received, World, keys};

/// Sends a forgery and returns what arrived.
async fn forge(world: &World, forgery: Value) -> Received {
    let before = world.receiver.all().len();
    let answers = world.json(Method::POST, "/_sim/forgeries", Some(forgery), 200).await;
    assert_eq!((&answers[0]["status"], &answers[0]["body"]), (&json!(202), &json!("seen")));
    world.receiver.all().remove(before)
}

fn valid(received: &Received) -> bool {
    let seconds = received.header("webhook-timestamp").parse().unwrap();
    let at = Timestamp::from_second(seconds).unwrap();
    let signature = sign_standard(&keys(), received.header("webhook-id"), at, &received.body);
    received.headers.get("webhook-signature").is_some_and(|value| *value == signature)
}

#[tokio::test]
async fn a_forgery_differs_in_what_was_asked_for() {
    let world = World::new().await;
    let good = forge(&world, json!({"body": "{\"raw\": 1", "id": "msg_x"})).await;
    assert!(valid(&good));
    assert_eq!((&good.body[..], good.header("webhook-id")), (&b"{\"raw\": 1"[..], "msg_x"));
    assert!(!valid(&forge(&world, json!({"body": {}, "signature": "wrong_key"})).await));
    assert!(!valid(&forge(&world, json!({"body": {}, "signature": "garbage"})).await));
    let missing = forge(&world, json!({"body": {}, "signature": "missing"})).await;
    assert!(!missing.headers.contains_key("webhook-signature"));
    let stale = forge(&world, json!({"body": {}, "age_s": 301})).await;
    assert!(valid(&stale));
    assert_eq!(stale.header("webhook-timestamp"), "1795341299");
    let huge = forge(&world, json!({"body": {}, "pad_to": 300_000})).await;
    assert!(valid(&huge));
    assert_eq!(huge.body.len(), 300_000);
    let header = forge(&world, json!({"body": {}, "headers": {"Webhook-Signature": "v1,x"}})).await;
    assert_eq!(header.header("webhook-signature"), "v1,x");
    let simple = forge(&world, json!({"body": {}, "scheme": "simple"})).await;
    let signature = sign_simple(&keys()[0], NOW.parse().unwrap(), &simple.body);
    assert_eq!(simple.header("x-flux-lens-signature"), signature);
}

#[tokio::test]
async fn a_forgery_can_tell_about_a_ticket_and_be_sent_in_copies() {
    let world = World::new().await;
    world.ticket();
    world.settled(1).await;
    let forgery = json!({"ticket": "FL-1", "event": "ticket.cancelled", "copies": 3});
    let answers = world.json(Method::POST, "/_sim/forgeries", Some(forgery), 200).await;
    assert_eq!(answers.as_array().unwrap().len(), 3);
    let copies = world.receiver.all().split_off(1);
    assert!(copies.iter().all(|one| valid(one) && one.header("webhook-id") == copies[0].header("webhook-id")));
    let body = copies[0].json();
    assert_eq!((&body["event"], &body["ticket"]["id"]), (&json!("ticket.cancelled"), &json!("FL-1")));
}

#[tokio::test]
async fn a_forgery_that_cannot_be_sent_says_why() {
    let world = World::new().await;
    world.json(Method::POST, "/_sim/forgeries", Some(json!({"ticket": "FL-9"})), 404).await;
    world.json(Method::POST, "/_sim/forgeries", Some(json!({"colour": 1})), 422).await;
    world.json(Method::DELETE, "/_sim/webhook", None, 204).await;
    let problem = world.json(Method::POST, "/_sim/forgeries", Some(json!({"body": {}})), 409).await;
    assert!(problem["detail"].as_str().unwrap().starts_with("no webhook endpoint"));
}

#[tokio::test]
async fn an_endpoint_needs_a_url_and_a_key() {
    let world = World::new().await;
    let put = |setting: Value| world.json(Method::PUT, "/_sim/webhook", Some(setting), 422);
    let field = |problem: Value| problem["errors"][0]["field"].clone();
    assert_eq!(field(put(json!({"url": "nowhere", "secrets": ["a"]})).await), "url");
    assert_eq!(field(put(json!({"url": "http://127.0.0.1", "secrets": []})).await), "secrets");
    assert_eq!(field(put(json!({"url": "http://127.0.0.1", "secrets": ["whsec_?"]})).await), "secrets");
    assert!(world.sim.state().webhook.is_some(), "the endpoint stays as it was");
}

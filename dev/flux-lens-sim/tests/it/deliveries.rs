use std::time::Duration;

use flux_lens_sim::signing::{Scheme, Secret, sign_simple, sign_standard};
use flux_lens_sim::{DeliveryState, Endpoint, Status, TicketChange};
use insta::assert_json_snapshot;
use reqwest::Method;
use serde_json::json;

use crate::world::{NOW, World, keys};

#[tokio::test]
async fn a_new_ticket_is_told_with_one_signature_per_key() {
    let world = World::with(|config| config.own_pages = false).await;
    world.ticket();
    let delivery = world.settled(1).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
    let received = world.receiver.all().remove(0);
    let id = received.header("webhook-id");
    assert!(id.starts_with("msg_"));
    assert_eq!(id, delivery.id);
    assert_eq!(received.header("webhook-timestamp"), "1795341600");
    let signature = sign_standard(&keys(), id, NOW.parse().unwrap(), &received.body);
    assert_eq!(received.header("webhook-signature"), signature);
    assert_eq!(signature.split(' ').count(), 2);
    assert_eq!(received.header("content-type"), "application/json");
    assert_json_snapshot!(received.json(), @r#"
    {
      "event": "ticket.created",
      "ticket": {
        "id": "FL-1",
        "version": 3,
        "updated_at": "2026-11-20T09:00:00Z",
        "title": "Sessions expire too early",
        "description": "See `session.js`.",
        "url": "https://flux-lens.example/tickets/FL-1",
        "priority": "normal",
        "labels": [
          "bug"
        ],
        "reporter": {
          "id": "u-1",
          "email": "ann@acme.example"
        },
        "assignee": null,
        "repository": "acme/shop",
        "base_branch": "main"
      }
    }
    "#);
}

#[tokio::test]
async fn the_simple_scheme_has_no_id() {
    let world = World::new().await;
    let state = world.json(Method::GET, "/_sim/state", None, 200).await;
    let setting = json!({"url": state["webhook"]["url"], "scheme": "simple", "secrets": ["whsec_a2V5"]});
    world.json(Method::PUT, "/_sim/webhook", Some(setting), 204).await;
    world.ticket();
    world.settled(1).await;
    let received = world.receiver.all().remove(0);
    let signature = sign_simple(&Secret::from_bytes("key"), NOW.parse().unwrap(), &received.body);
    assert_eq!(received.header("x-flux-lens-signature"), signature);
    assert_eq!(received.header("x-flux-lens-timestamp"), "1795341600");
    assert!(!received.headers.contains_key("webhook-id"));
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_under_the_same_id() {
    let world = World::new().await;
    world.receiver.answer(&[500, 429]);
    world.ticket();
    let delivery = world.settled(1).await.remove(0);
    let statuses: Vec<_> = delivery.attempts.iter().map(|attempt| attempt.status.unwrap()).collect();
    assert_eq!((delivery.state, statuses), (DeliveryState::Delivered, vec![500, 429, 202]));
    assert_eq!(delivery.attempts[0].response, "seen");
    let received = world.receiver.all();
    assert!(received.iter().all(|one| one.header("webhook-id") == delivery.id && one.body == received[0].body));
}

#[tokio::test]
async fn a_delivery_is_given_up_after_its_schedule_and_can_be_sent_again() {
    let world = World::new().await;
    world.receiver.answer(&[500, 500, 500]);
    world.ticket();
    let delivery = world.settled(1).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Failed, 3));
    let path = format!("/_sim/deliveries/{}/redeliver", delivery.id);
    assert_eq!(world.call(Method::POST, &path, None).await.status(), 202);
    let again = world.settled(1).await.remove(0);
    assert_eq!((again.state, again.attempts.len()), (DeliveryState::Delivered, 4));
    assert_eq!(world.receiver.all()[3].header("webhook-id"), delivery.id);
    assert_eq!(world.call(Method::POST, "/_sim/deliveries/msg_0/redeliver", None).await.status(), 404);
}

#[tokio::test]
async fn gone_switches_the_endpoint_off() {
    let world = World::new().await;
    world.receiver.answer(&[410]);
    world.ticket();
    assert_eq!(world.settled(1).await[0].state, DeliveryState::Failed);
    world.sim.cancel("FL-1").unwrap();
    assert_eq!(world.settled(2).await[1].state, DeliveryState::Skipped);
    assert_eq!(world.sim.state().webhook, None);
    assert_eq!(world.receiver.all().len(), 1);
}

#[tokio::test]
async fn nobody_listening_is_an_attempt_with_an_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Endpoint { url: format!("http://{closed}/"), scheme: Scheme::Standard, secrets: keys() };
    let world = World::with(|config| config.webhook = Some(endpoint)).await;
    world.ticket();
    let delivery = world.settled(1).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Failed, 3));
    assert!(delivery.attempts[0].error.as_ref().unwrap().contains("refused"), "{delivery:?}");
}

#[tokio::test]
async fn the_services_own_status_comes_back_as_a_webhook_once() {
    let world = World::new().await;
    world.ticket();
    let patch = |status: &str| world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": status})), 200);
    assert_eq!(patch("In Progress").await["version"], 4);
    assert_eq!(patch("In Progress").await["version"], 4, "nothing changed, so nothing is told");
    assert_eq!(patch("Cancelled").await["version"], 5);
    let told: Vec<_> = world.settled(3).await.iter().map(|one| (one.event.to_string(), one.version)).collect();
    assert_eq!(told, [("ticket.created".into(), 3), ("ticket.updated".into(), 4), ("ticket.cancelled".into(), 5)]);
}

#[tokio::test]
async fn the_echo_can_be_switched_off_and_people_are_told_of_all_the_same() {
    let world = World::with(|config| config.echo_status_changes = false).await;
    world.ticket();
    world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": "Done"})), 200).await;
    world.sim.change("FL-1", TicketChange { title: Some("Other".into()), ..TicketChange::default() }).unwrap();
    let told: Vec<_> = world.settled(2).await.iter().map(|one| one.version).collect();
    assert_eq!(told, [3, 5]);
    let changed = world.json(Method::PATCH, "/_sim/tickets/FL-1", Some(json!({"status": "Blocked"})), 200).await;
    assert_eq!(changed["status"], "Blocked");
    assert_eq!(world.sim.state().ticket("FL-1").unwrap().status, Status::Blocked);
    assert_eq!(world.json(Method::POST, "/_sim/tickets/FL-1/cancel", None, 200).await["status"], "Cancelled");
    assert_eq!(world.settled(4).await.len(), 4);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_retry() {
    let world = World::with(|config| config.retry.delays = vec![Duration::from_hours(1)]).await;
    world.receiver.answer(&[500]);
    world.ticket();
    world.sim.until(crate::world::LIMIT, |state| state.deliveries[0].attempts.len() == 1).await.unwrap();
    tokio::time::timeout(crate::world::LIMIT, world.sim.shutdown()).await.unwrap();
}

#[tokio::test]
async fn what_never_happens_says_what_is() {
    let world = World::new().await;
    world.ticket();
    let waited = world.sim.until(Duration::from_millis(1), |state| state.tickets.is_empty()).await;
    assert!(waited.unwrap_err().to_string().contains("Sessions expire too early"));
}

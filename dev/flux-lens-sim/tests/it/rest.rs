use insta::assert_json_snapshot;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, new_ticket};

#[tokio::test]
async fn a_ticket_is_read_commented_and_moved() {
    let world = World::with(|config| config.own_pages = false).await;
    world.ticket();
    let comment = world.json(Method::POST, "/tickets/FL-1/comments", Some(json!({"body": "**Started.**"})), 201).await;
    assert_json_snapshot!(comment, @r#"
    {
      "id": "c-1",
      "author": "Integration",
      "body": "**Started.**",
      "created_at": "2026-11-22T10:00:00Z"
    }
    "#);
    let moved = world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": "In Progress"})), 200).await;
    assert_json_snapshot!(moved, @r#"
    {
      "id": "FL-1",
      "version": 4,
      "updated_at": "2026-11-22T10:00:00Z",
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
      "base_branch": "main",
      "status": "In Progress"
    }
    "#);
    assert_eq!(world.json(Method::GET, "/tickets/FL-1", None, 200).await, moved);
    assert_eq!(world.json(Method::GET, "/tickets", None, 200).await, json!([moved]));
    assert_eq!(world.json(Method::GET, "/tickets/FL-1/comments", None, 200).await, json!([comment]));
}

#[tokio::test]
async fn a_wrong_call_gets_a_problem() {
    let world = World::new().await;
    world.ticket();
    let url = format!("{}/tickets/FL-1", world.sim.base_url());
    let response = world.http.get(&url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"Flux Lens\"");
    assert_json_snapshot!(response.json::<Value>().await.unwrap(), @r#"
    {
      "type": "about:blank",
      "title": "Unauthorized",
      "status": 401,
      "detail": "a bearer token is required"
    }
    "#);
    assert_eq!(world.http.get(&url).bearer_auth("guess").send().await.unwrap().status(), 401);
    assert_json_snapshot!(world.json(Method::GET, "/tickets/FL-9", None, 404).await, @r#"
    {
      "type": "about:blank",
      "title": "Not Found",
      "status": 404,
      "detail": "there is no ticket \"FL-9\""
    }
    "#);
    let patch = |body: Value| world.json(Method::PATCH, "/tickets/FL-1", Some(body), 422);
    assert_json_snapshot!(patch(json!({"status": "Finished"})).await, @r#"
    {
      "type": "about:blank",
      "title": "Unprocessable Entity",
      "status": 422,
      "detail": "unknown variant `Finished`, expected one of `Open`, `In Progress`, `Done`, `Blocked`, `Cancelled`",
      "errors": [
        {
          "field": "status",
          "detail": "unknown variant `Finished`, expected one of `Open`, `In Progress`, `Done`, `Blocked`, `Cancelled`"
        }
      ]
    }
    "#);
    assert_json_snapshot!(patch(json!({"status": "Open"})).await["detail"], @r#""the status cannot be set to Open; use one of: In Progress, Done, Blocked, Cancelled""#);
    assert_json_snapshot!(patch(json!({"state": "Done"})).await["errors"], @r#"
    [
      {
        "field": "state",
        "detail": "unknown field `state`, expected `status`"
      }
    ]
    "#);
    let comment = |body: Value| world.json(Method::POST, "/tickets/FL-1/comments", Some(body), 422);
    assert_json_snapshot!(comment(json!({"body": " "})).await["errors"], @r#"
    [
      {
        "field": "body",
        "detail": "a comment needs words"
      }
    ]
    "#);
    assert_json_snapshot!(comment(json!({"body": "x".repeat(65_537)})).await["errors"], @r#"
    [
      {
        "field": "body",
        "detail": "a comment has at most 65536 characters"
      }
    ]
    "#);
    let broken = world.http.patch(&url).bearer_auth("flux-lens-sim-token").body("{").send().await.unwrap();
    assert_eq!(broken.status(), 400);
}

#[tokio::test]
async fn a_cancelled_ticket_stays_cancelled() {
    let world = World::new().await;
    world.ticket();
    world.sim.cancel("FL-1").unwrap();
    let refused = world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": "Blocked"})), 422).await;
    assert_eq!(refused["detail"], "the ticket \"FL-1\" is cancelled; that is final");
    world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": "Cancelled"})), 200).await;
    world.json(Method::POST, "/tickets/FL-1/comments", Some(json!({"body": "Stopped."})), 201).await;
}

#[tokio::test]
async fn faults_are_answered_and_used_up() {
    let world = World::new().await;
    world.ticket();
    let order = json!({"method": "POST", "path": "/comments", "status": 503, "times": 1});
    world.json(Method::POST, "/_sim/faults", Some(order), 204).await;
    let lost = json!({"method": "POST", "path": "/comments", "status": 502, "after": true});
    world.json(Method::POST, "/_sim/faults", Some(lost), 204).await;
    let comment = |status| world.json(Method::POST, "/tickets/FL-1/comments", Some(json!({"body": "Hello"})), status);
    let count = || world.sim.state().ticket("FL-1").unwrap().comments.len();
    comment(503).await;
    assert_eq!(count(), 0, "it was not carried out");
    comment(502).await;
    assert_eq!(count(), 1, "it was carried out, but its answer was lost");
    comment(201).await;
    assert_eq!(count(), 2);
    let calls = world.sim.state().calls;
    assert_eq!(
        calls.iter().map(|call| (call.status, call.fault)).collect::<Vec<_>>(),
        [(503, true), (502, true), (201, false)]
    );
    assert_eq!(calls[0].body, json!({"body": "Hello"}));
}

#[tokio::test]
async fn everything_is_in_the_state_except_the_keys() {
    let world = World::new().await;
    world.ticket();
    world.settled(1).await;
    let state = world.json(Method::GET, "/_sim/state", None, 200).await;
    assert_eq!((&state["webhook"]["scheme"], &state["webhook"]["secrets"]), (&json!("standard"), &json!(2)));
    assert_eq!(state["tickets"][0]["ticket"]["id"], "FL-1");
    assert_eq!(state["deliveries"][0]["attempts"][0]["status"], 202);
    let bare = json!({"title": "a"});
    let problem = world.json(Method::POST, "/_sim/tickets", Some(bare), 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("repository"), "{problem}");
    let taken = json!({"id": new_ticket().id, "title": "a", "repository": "a/b"});
    world.json(Method::POST, "/_sim/tickets", Some(taken), 409).await;
}

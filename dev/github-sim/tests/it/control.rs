//! The control API does over the wire what tests in Rust do directly.

use reqwest::Method;
use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::{PERSONAL, World, answer};

#[tokio::test]
async fn a_whole_story_by_http() {
    let receiver = Receiver::start().await;
    let world = World::start().await;
    let post = async |path: &str, body| world.control(Method::POST, path, Some(body)).await;
    let hook = json!({ "url": receiver.url, "secret": "s" });
    assert_eq!(world.control(Method::PUT, "/webhook", Some(hook)).await.status, 204);
    let new = json!({
        "owner": "shop", "name": "cart", "files": { "a.txt": "one\n" }, "collaborators": { "carol": "write" },
    });
    let made = post("/repos", new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["sha"].as_str().map(str::len), Some(40));
    assert_eq!(post("/repos", new).await.status, 422, "taken");

    let push = json!({
        "as": "carol", "branch": "fix", "message": "Fix", "files": { "a.txt": { "text": "two\n" }, "run": { "base64": "aGk=", "executable": true } },
    });
    let head = post("/repos/shop/cart/push", push).await.body["sha"].clone();
    let body = json!({ "title": "Fix", "head": "fix", "base": "main" });
    let pull = world.call(Method::POST, "/repos/shop/cart/pulls", PERSONAL, Some(body)).await;
    assert_eq!(pull.body["head"]["sha"], head);
    let review = json!({ "as": "carol", "event": "APPROVE", "body": "Fine" });
    assert_eq!(post("/repos/shop/cart/pulls/1/reviews", review).await.body["state"], "APPROVED");
    let rules = json!({ "required_checks": ["ci"] });
    let path = "/repos/shop/cart/protection/main";
    assert_eq!(world.control(Method::PUT, path, Some(rules)).await.status, 204);
    assert_eq!(post("/repos/shop/cart/pulls/1/merge", json!({})).await.status, 405);
    let run = json!({ "head_sha": head, "name": "ci", "conclusion": "success" });
    assert_eq!(post("/repos/shop/cart/check-runs", run).await.status, 201);
    assert_eq!(post("/repos/shop/cart/pulls/1/close", json!({ "as": "carol" })).await.status, 200);
    assert_eq!(post("/repos/shop/cart/pulls/1/reopen", json!({})).await.status, 200);
    let merged = post("/repos/shop/cart/pulls/1/merge", json!({ "as": "carol", "merge_method": "squash" })).await;
    assert_eq!(merged.status, 200, "{}", merged.body);

    let state = world.control(Method::GET, "/state", None).await.body;
    let cart = state["repositories"].as_array().unwrap().iter().find(|r| r["full_name"] == "shop/cart").unwrap();
    assert_eq!(cart["branches"]["main"], merged.body["sha"]);
    assert_eq!(
        (&cart["pulls"][0]["merged"], &cart["pulls"][0]["reviews"][0]["author"]),
        (&json!(true), &json!("carol"))
    );
    world.sim.deliveries_idle().await;
    let deliveries = world.control(Method::GET, "/deliveries", None).await.body;
    let events: Vec<&str> = deliveries.as_array().unwrap().iter().map(|d| d["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "ping",
            "push",
            "pull_request",
            "pull_request_review",
            "check_suite",
            "pull_request",
            "pull_request",
            "pull_request",
            "push",
        ]
    );
    let again = format!("/deliveries/{}/redeliver", deliveries[1]["id"]);
    assert_eq!(post(&again, json!({})).await.status, 202);
    world.sim.deliveries_idle().await;
    assert_eq!(receiver.names().last().map(String::as_str), Some("push"));
    let calls = world.control(Method::GET, "/calls", None).await.body;
    assert_eq!(calls[0]["path"], "/repos/shop/cart/pulls");
}

#[tokio::test]
async fn unknown_people_fields_and_paths_are_refused() {
    let world = World::start().await;
    let post = async |path: &str, body| world.control(Method::POST, path, Some(body)).await.status;
    let push =
        |file: &str, who: &str| json!({ "as": who, "branch": "x", "message": "m", "files": { file: { "text": "" } } });
    assert_eq!(post("/repos/acme/web/push", push("ok", "alice")).await, 200);
    assert_eq!(post("/repos/acme/web/push", push("ok", "nobody")).await, 422);
    assert_eq!(post("/repos/acme/web/push", push("../up", "alice")).await, 422);
    assert_eq!(post("/repos/acme/web/push", push(".git/hooks/post-update", "alice")).await, 422);
    assert_eq!(post("/repos/acme/none/push", push("ok", "alice")).await, 404);
    assert_eq!(post("/repos", json!({ "owner": "..", "name": "x" })).await, 422);
    assert_eq!(post("/repos", json!({ "owner": "a", "name": "b", "colour": "red" })).await, 422);
    assert_eq!(post("/faults", json!({ "path": "/x", "outcome": { "kind": "explode" } })).await, 422);
}

#[tokio::test]
async fn the_clock_can_be_moved() {
    let world = World::start().await;
    let before = world.clock.now();
    let answer = world.control(Method::POST, "/clock", Some(json!({ "advance_seconds": 90 }))).await;
    assert_eq!(answer.status, 200);
    assert_eq!((world.clock.now() - before).get_seconds(), 90);
}

#[tokio::test]
async fn other_sites_are_kept_out() {
    let world = World::start().await;
    let url = format!("{}/_sim/state", world.sim.html_base());
    assert_eq!(answer(world.http.get(&url).header("origin", "https://evil.example")).await.status, 403);
    assert_eq!(answer(world.http.get(&url).header("host", "evil.example")).await.status, 403);
    assert_eq!(answer(world.http.get(&url).header("sec-fetch-site", "cross-site")).await.status, 403);
}

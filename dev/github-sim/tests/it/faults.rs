//! Injected failures really happen, and only as often as asked.

use github_sim::{Fault, Outcome, When};
use reqwest::Method;
use serde_json::json;

use crate::support::{PERSONAL, World};

fn fault(text: serde_json::Value) -> Fault {
    serde_json::from_value(text).unwrap()
}

#[tokio::test]
async fn other_answers() {
    let world = World::start().await;
    world.sim.inject(fault(json!({
        "method": "GET",
        "path": "/repos/*/pulls",
        "times": 2,
        "outcome": {
            "kind": "answer", "status": 429, "headers": { "retry-after": "7" },
            "body": { "message": "You have exceeded a secondary rate limit" },
        },
    })));
    let get = async || world.call(Method::GET, "/repos/acme/web/pulls?state=all", PERSONAL, None).await;
    for _ in 0..2 {
        let answer = get().await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (429, "7"));
        assert_eq!(answer.body["message"], "You have exceeded a secondary rate limit");
    }
    assert_eq!(get().await.status, 200);
    assert_eq!(world.sim.faults()[0].fired, 2);
}

#[tokio::test]
async fn dropped_connections_before_and_after_the_effect() {
    let world = World::start().await;
    let create = async |name: &str| {
        let url = format!("{}/repos/acme/web/git/refs", world.sim.api_base());
        let body = json!({ "ref": format!("refs/heads/{name}"), "sha": world.first });
        world.http.post(url).bearer_auth(PERSONAL).json(&body).send().await
    };
    for (name, when, exists) in [("before", When::Before, false), ("after", When::After, true)] {
        let mut rule = fault(json!({ "method": "POST", "path": "/repos/acme/web/git/refs" }));
        rule.when = when;
        assert!(matches!(rule.outcome, Outcome::Drop));
        world.sim.inject(rule);
        let error = create(name).await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
        let path = format!("/repos/acme/web/git/ref/heads/{name}");
        let found = world.call(Method::GET, &path, PERSONAL, None).await.status == 200;
        assert_eq!(found, exists, "{name}");
    }
    assert_eq!(create("fine").await.unwrap().status(), 201);
    let calls = world.sim.calls();
    let dropped = calls.iter().filter(|c| c.method == "POST" && c.status.is_none()).count();
    assert_eq!(dropped, 2);
    assert!(calls.iter().all(|c| c.caller == "user maintainer"));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_was_a_call_that_happened() {
    let world = World::start().await;
    world.sim.inject(fault(json!({
        "path": "/repos/acme/web/git/refs", "when": "after", "delay_ms": 3000, "outcome": { "kind": "pass" },
    })));
    let url = format!("{}/repos/acme/web/git/refs", world.sim.api_base());
    let body = json!({ "ref": "refs/heads/late", "sha": world.first });
    let request = world.http.post(url).bearer_auth(PERSONAL).json(&body);
    let late = request.timeout(std::time::Duration::from_millis(500)).send().await.unwrap_err();
    assert!(late.is_timeout());
    let found = world.call(Method::GET, "/repos/acme/web/git/ref/heads/late", PERSONAL, None).await;
    assert_eq!(found.status, 200);
}

#[tokio::test]
async fn archive_downloads_can_fail_too() {
    let world = World::start().await;
    let outcome = json!({ "kind": "answer", "status": 502, "body": "Bad Gateway" });
    world.sim.inject(fault(json!({ "path": "/_codeload/acme/web/*", "outcome": outcome })));
    let redirect = world.call(Method::GET, "/repos/acme/web/tarball/main", PERSONAL, None).await;
    let location = redirect.headers["location"].to_str().unwrap();
    assert_eq!(world.http.get(location).send().await.unwrap().status(), 502);
    assert_eq!(world.http.get(location).send().await.unwrap().status(), 200);
}

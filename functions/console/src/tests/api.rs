use insta::assert_json_snapshot;
use serde_json::json;

use super::Call;
use crate::testing::{Memory, Story};

fn memory() -> Memory {
    Memory::with([
        Story::begin("FL-1", "Keep sessions").planned().approved().published(),
        Story::begin("FL-2", "Show the status").planned(),
    ])
}

fn id(memory: &Memory, title: &str) -> String {
    let rows = memory.0.lock().unwrap();
    rows.stories.values().find(|story| story.workflow.ticket.title == title).unwrap().workflow.id.to_string()
}

#[tokio::test]
async fn only_the_token_opens_the_api() {
    let memory = memory();
    let token = crate::testing::TOKEN;
    for value in ["", "Bearer", "Bearer ", &format!("Bearer {token}x"), &format!("Basic {token}"), token] {
        let answer = Call::get("/api/workflows").header("authorization", value).to(&memory).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("www-authenticate")),
            (401, "Bearer realm=\"pi-tickets\""),
            "{value}"
        );
    }
    let answer = Call::get("/api/workflows").to(&memory).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_json_snapshot!(answer.json(), @r#"
    {
      "type": "about:blank",
      "title": "Unauthorized",
      "status": 401,
      "detail": "A valid token is needed."
    }
    "#);
    assert_eq!(Call::json("/api/workflows/x/cancel", &json!({})).to(&memory).await.status, 401);
}

#[tokio::test]
async fn workflows_are_listed() {
    let memory = memory();
    let list = |query: &str| Call::get(&format!("/api/workflows{query}")).with_token();
    let all = list("").to(&memory).await.json();
    let states: Vec<_> = all["workflows"].as_array().unwrap().iter().map(|w| w["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["AWAITING_PR_APPROVAL", "AWAITING_SPEC_APPROVAL"], "the one changed last first");
    assert!(all["workflows"][0]["page"].as_str().unwrap().starts_with("https://pi.example/live/workflows/wf-"));
    assert_eq!(list("?cursor=eA").to(&memory).await.status, 404, "it could be one, and is none of ours");
    let one = list("?state=AWAITING_SPEC_APPROVAL&limit=1").to(&memory).await.json();
    assert_eq!(one["workflows"].as_array().unwrap().len(), 1);
    for (query, word) in [
        ("?state=NOWHERE", "`NOWHERE` is not a workflow state"),
        ("?limit=0", "limit"),
        ("?limit=x", "limit"),
        ("?cursor=%00%ff", "cursor"),
        ("?limit=201", "limit"),
        ("?state=PENDING&cursor=x%23", "cursor"),
        ("?cursor=", "cursor"),
        ("?colour=red", "colour"),
    ] {
        let answer = list(query).to(&memory).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_workflow_and_what_belongs_to_it_is_read() {
    let memory = memory();
    let base = format!("/api/workflows/{}", id(&memory, "Keep sessions"));
    let read = |path: &str| Call::get(&format!("{base}{path}")).with_token();
    assert_eq!(read("").to(&memory).await.json()["pr"]["number"], 5);
    let timeline = read("/timeline").to(&memory).await.json();
    assert_eq!((&timeline["verified"], &timeline["problem"]), (&json!(true), &json!(null)));
    assert_eq!(timeline["entries"][0]["event"]["type"], "created");
    let spec = read("/spec").to(&memory).await.json();
    assert_eq!((&spec["approved"], &spec["spec"]["title"]), (&json!(true), &json!("Keep sessions")));
    let logs = read("/logs?limit=2").to(&memory).await.json();
    assert_eq!((logs["lines"].as_array().unwrap().len(), &logs["after"]), (2, &json!("LOG#0001#agent#0000000002")));
    assert_eq!(read("/logs?limit=0").to(&memory).await.status, 400);
    let rest = read("/logs?after=LOG%230001%23agent%230000000004").to(&memory).await.json();
    assert_eq!(rest, json!({"lines": [], "after": "LOG#0001#agent#0000000004"}));
    for path in ["/api/workflows/nonsense", "/api/nothing", "/api/workflows/wf-00000000000000000000-1/spec"] {
        let answer = Call::get(path).with_token().to(&memory).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (404, &json!(404)), "{path}");
    }
}

#[tokio::test]
async fn a_gate_is_found_and_decided() {
    let memory = memory();
    let pending = Call::get("/api/approvals/pending").with_token().to(&memory).await.json();
    assert_eq!(pending["gates"].as_array().unwrap().len(), 2);
    let gate = &pending["gates"][0];
    let path = format!("/api/approvals/{}/decide", gate["id"].as_str().unwrap());
    let decide = |body: serde_json::Value| Call::json(&path, &body).with_token();
    let digest = &gate["subject_digest"];
    let stale = decide(json!({"decision": "APPROVE", "subject_digest": "0".repeat(64)})).to(&memory).await;
    assert_json_snapshot!(stale.json(), @r#"
    {
      "type": "about:blank",
      "title": "Conflict",
      "status": 409,
      "detail": "what you decided on has changed since you saw it; open the page again",
      "code": "subject_changed"
    }
    "#);
    for (body, word) in [
        (json!({"decision": "MERGE", "subject_digest": digest}), "decision"),
        (json!({"decision": "APPROVE"}), "subject_digest"),
        (json!({"decision": "REJECT", "subject_digest": digest, "comment": " "}), "comment"),
        (json!({"decision": "APPROVE", "subject_digest": "x"}), "subject_digest"),
        (json!({"decision": "APPROVE", "subject_digest": digest, "by": "eve"}), "by"),
        (json!(["APPROVE", null, [], digest]), "an object"),
        (json!({"decision": "APPROVE", "subject_digest": digest, "sections": [["a", "b"]]}), "sections[0]"),
    ] {
        let answer = decide(body).to(&memory).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{}", answer.body);
    }
    let silent = decide(json!({"decision": "REJECT", "subject_digest": digest})).to(&memory).await;
    assert_eq!((silent.status.as_u16(), &silent.json()["code"]), (422, &json!("comment_missing")));
    let done = decide(json!({"decision": "APPROVE", "subject_digest": digest})).to(&memory).await;
    assert_eq!((done.status.as_u16(), done.json()), (200, json!({"status": "APPROVED", "missing_approvals": 0})));
    let again = decide(json!({"decision": "APPROVE", "subject_digest": digest})).to(&memory).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("already_decided")));
    let by = memory.0.lock().unwrap().decisions.last().unwrap().by.label();
    assert_eq!(by, "ann@acme.example (api)");
}

#[tokio::test]
async fn a_workflow_is_cancelled() {
    let memory = memory();
    let path = format!("/api/workflows/{}/cancel", id(&memory, "Show the status"));
    let answer = Call::json(&path, &json!({"reason": "Not needed"})).with_token().to(&memory).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["cancel_requested"]), (202, &json!("Not needed")));
    assert_eq!(memory.0.lock().unwrap().cancels, ["ann@acme.example (api): Not needed"]);
    let gone = "/api/workflows/wf-00000000000000000000-1/cancel";
    assert_eq!(Call::json(gone, &json!({})).with_token().to(&memory).await.status, 404);
    let bad = Call::json(&path, &json!({"why": "?"})).with_token().to(&memory).await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn numbers_are_counted() {
    let answer = Call::get("/api/metrics").with_token().to(&memory()).await;
    assert_json_snapshot!(answer.json(), @r#"
    {
      "active": 2,
      "pending_approvals": 2,
      "completed_today": 0,
      "success_rate": null,
      "truncated": false
    }
    "#);
}

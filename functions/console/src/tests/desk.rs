//! What the API does at an open gate besides deciding.

use domain::gate::GateStatus;
use domain::role::Scope;
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::testing::{Memory, Story};

fn memory() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned()])
}

fn gate(memory: &Memory) -> domain::gate::Gate {
    memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap()
}

async fn post(memory: &Memory, what: &str, body: &Value) -> Answer {
    let path = format!("/api/approvals/{}/{what}", gate(memory).id);
    Call::json(&path, body).with_token().to(memory).await
}

/// The same by somebody's own token.
async fn post_as(memory: &Memory, name: &str, what: &str, body: &Value) -> Answer {
    let token = memory.token_with(name, [Scope::Read, Scope::Decide].into_iter().collect(), |_| {});
    let path = format!("/api/approvals/{}/{what}", gate(memory).id);
    Call::json(&path, body).bearer(&token).to(memory).await
}

fn plan(solution: &str) -> Value {
    json!({
        "title": "Keep sessions",
        "problem_statement": "They end.",
        "proposed_solution": solution,
        "files": [{"path": "src/session.js", "action": "modify", "reason": "The constant"}],
        "implementation_plan": ["Change it."],
        "testing_strategy": "The suite.",
        "verification_checklist": [{"text": "Tests pass", "by": "gate", "how": "unit tests"}, {"text": "Fast", "by": "person"}],
    })
}

#[tokio::test]
async fn people_get_more_time() {
    let memory = memory();
    let before = gate(&memory).due_at;
    let answer = post(&memory, "extend", &json!({"hours": 5})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(gate(&memory).due_at.duration_since(before).as_hours(), 5);
    assert_eq!(answer.json()["due_at"], json!(gate(&memory).due_at));
    for hours in [json!(0), json!(337), json!("5"), json!(1.5), json!(-1)] {
        assert_eq!(post(&memory, "extend", &json!({"hours": hours})).await.status, 400);
    }
    let stranger = post_as(&memory, "eve", "extend", &json!({"hours": 5})).await;
    assert_eq!((stranger.status.as_u16(), &stranger.json()["code"]), (403, &json!("not_an_approver")));
    assert_eq!(memory.refused(), ["the gate does not ask them"]);
}

#[tokio::test]
async fn somebody_more_is_asked() {
    let memory = memory();
    let answer = post(&memory, "hand-on", &json!({"to": "bob@acme.example"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(gate(&memory).approvers.iter().any(|it| it.email.as_deref() == Some("bob@acme.example")));
    let stranger = post(&memory, "hand-on", &json!({"to": "mallory@evil.example"})).await;
    assert_eq!((stranger.status.as_u16(), &stranger.json()["code"]), (422, &json!("delegate_refused")));
    assert_eq!(post(&memory, "hand-on", &json!({"to": "bob"})).await.status, 400);
}

#[tokio::test]
async fn an_edit_is_stored_and_approved_by_who_made_it() {
    let memory = memory();
    let subject = gate(&memory).subject_digest.to_string();
    let edited = post(&memory, "edit", &json!({"subject_digest": subject, "plan": plan("Count hours.")})).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    let digest = edited.json()["edit_digest"].as_str().unwrap().to_owned();
    assert_eq!(edited.json()["revision"], 2);
    assert_eq!(gate(&memory).status, GateStatus::Pending, "an edit decides nothing");

    let decide = async |body: Value| post(&memory, "decide", &body).await;
    for (body, status) in [
        (json!({"decision": "APPROVE_EDITED", "subject_digest": subject}), 400),
        (json!({"decision": "APPROVE", "subject_digest": subject, "edit_digest": digest}), 400),
        (json!({"decision": "APPROVE_EDITED", "subject_digest": subject, "edit_digest": "0".repeat(64)}), 409),
    ] {
        assert_eq!(decide(body.clone()).await.status, status, "{body}");
        assert!(memory.0.lock().unwrap().decisions.is_empty());
    }
    decide(json!({"decision": "APPROVE_EDITED", "subject_digest": subject, "edit_digest": digest})).await;
    let asked = memory.0.lock().unwrap().decisions.pop().unwrap();
    let expected = domain::gate::Verdict::ApproveEdited {
        revision: domain::ids::Revision::new(2),
        spec_digest: digest.parse().unwrap(),
    };
    assert_eq!(asked.verdict, expected);
}

#[tokio::test]
async fn an_edit_of_something_else_or_by_somebody_else_is_not_stored() {
    let memory = memory();
    let subject = gate(&memory).subject_digest.to_string();
    let outdated = post(&memory, "edit", &json!({"subject_digest": "0".repeat(64), "plan": plan("x")})).await;
    assert_eq!((outdated.status.as_u16(), &outdated.json()["code"]), (409, &json!("subject_changed")));
    let body = json!({"subject_digest": subject, "plan": plan("x")});
    for (name, code) in [("eve", "not_an_approver"), ("rita", "requester_cannot_approve")] {
        let refused = post_as(&memory, name, "edit", &body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (403, &json!(code)));
    }
    assert_eq!(memory.refused().len(), 2, "each is written down");
    let mut untitled = body.clone();
    untitled["plan"]["title"] = json!(" ");
    let bad = post(&memory, "edit", &untitled).await;
    assert_eq!((bad.status.as_u16(), &bad.json()["code"]), (422, &json!("invalid_plan")));
    let mut unknown = body;
    unknown["plan"]["confidence"] = json!(1);
    assert_eq!(post(&memory, "edit", &unknown).await.status, 400, "what the planner said of itself stays");
    assert!(memory.0.lock().unwrap().stories.values().all(|story| story.workflow.edit.is_none()));
}

#[tokio::test]
async fn a_gate_that_does_not_exist_is_not_found() {
    let memory = memory();
    for what in ["edit", "extend", "hand-on"] {
        let path = format!("/api/approvals/wf-00000000000000000000-1.spec.1/{what}");
        assert_eq!(Call::json(&path, &json!({})).with_token().to(&memory).await.status, 404);
    }
}

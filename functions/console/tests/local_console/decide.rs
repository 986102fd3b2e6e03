//! Decisions by the API: `approvals` makes them, over the wire.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::ApprovalRequest;
use domain::gate::{Gate, GateKind, GateStatus};
use domain::steps::{ApprovalStep, GateOutput};
use serde_json::{Value, json};
use testkit::sample::{at, now};
use testkit::{Functions, Outcome};

use crate::site::Site;

async fn decide(site: &Site, gate: &Gate, body: Value) -> (u16, Value) {
    let answer = site.post(&format!("/api/approvals/{}/decide", gate.id), &body).await;
    if answer.status == 200 { (200, answer.json()["status"].clone()) } else { answer.problem() }
}

fn approve(gate: &Gate) -> Value {
    json!({ "decision": "APPROVE", "subject_digest": gate.subject_digest })
}

async fn pending(site: &Site) -> Vec<Value> {
    site.get("/api/approvals/pending").await.json()["gates"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_decision_counts_once_and_bears_its_makers_name() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let [asked] = &pending(&site).await[..] else { panic!("one gate was expected") };
    assert_eq!((&asked["id"], &asked["subject_digest"]), (&json!(gate.id), &json!(gate.subject_digest)));
    assert_eq!(decide(&site, &gate, approve(&gate)).await, (200, json!("APPROVED")));

    let decided = site.world.gates.gate(&gate.id).await.unwrap().unwrap();
    assert_eq!(
        (decided.status, decided.decision.unwrap().by.label()),
        (GateStatus::Approved, "ann@acme.example (api)".to_owned())
    );
    assert_eq!(site.world.workflow(&gate.workflow_id).await.state, WorkflowState::SpecApproved);
    assert!(pending(&site).await.is_empty());

    let before = site.world.everything().await;
    assert_eq!(decide(&site, &gate, approve(&gate)).await, (409, json!("already_decided")));
    assert_eq!(site.world.everything().await, before);
}

#[tokio::test]
async fn a_decision_reaches_the_execution_that_waits_for_it() {
    let site = Site::start().await;
    let workflow = site.planned("FL-1").await;
    let wait = site.world.wait().await;
    let (workflow_id, task_token) = (workflow.id.clone(), wait.token.clone());
    let step = ApprovalStep::Open { workflow_id, kind: GateKind::Spec, task_token };
    let gates = site.world.gates_function(&site.world.aws);
    approvals::handle(&gates, serde_json::to_value(step).unwrap(), now()).await.unwrap();
    let gate = site.world.gates.gate(&GateKind::Spec.gate_id(&workflow.id, 1).unwrap()).await.unwrap().unwrap();
    assert_eq!(decide(&site, &gate, approve(&gate)).await, (200, json!("APPROVED")));
    let output = GateOutput { decision: GateStatus::Approved, settled: false, another_round: false };
    assert_eq!(wait.outcome().await, Outcome::Success(serde_json::to_value(output).unwrap()));
}

#[tokio::test]
async fn what_approvals_refuses_is_told_by_its_name_and_changes_nothing() {
    for (holder, second, change, expected) in [
        ("ann", 60, json!({ "subject_digest": "0".repeat(64) }), (409, json!("subject_changed"))),
        ("ann", 60, json!({ "decision": "REJECT" }), (422, json!("comment_missing"))),
        ("ann", 60, json!({ "decision": "REVISE", "comment": "x".repeat(100_000) }), (422, json!("comment_too_long"))),
        ("rita", 60, json!({}), (403, json!("requester_cannot_approve"))),
        ("eve", 60, json!({}), (403, json!("not_an_approver"))),
        ("ann", 3_600, json!({}), (409, json!("due"))),
    ] {
        let site = Site::of(holder).await;
        let gate = site.waiting().await;
        site.functions.serve_gates(&site.world, at(second));
        let before = site.world.everything().await;
        let mut body = approve(&gate);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(decide(&site, &gate, body).await, expected, "{holder} {second} {change}");
        assert_eq!(site.world.everything().await, before);
    }
}

#[tokio::test]
async fn a_gate_that_is_not_there_is_not_found() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let unknown = Gate { id: GateKind::Pr.gate_id(&gate.workflow_id, 1).unwrap(), ..gate };
    assert_eq!(decide(&site, &unknown, approve(&unknown)).await, (404, Value::Null));
    let [request] = &site.functions.calls(Functions::APPROVALS)[..] else { panic!("it was to be asked once") };
    assert!(
        matches!(serde_json::from_value(request.clone()).unwrap(), ApprovalRequest::Decide { gate, .. } if gate == unknown.id)
    );
}

#[tokio::test]
async fn an_approvals_that_does_not_answer_has_decided_nothing() {
    let mut site = Site::start().await;
    let gate = site.waiting().await;
    let before = site.world.everything().await;
    site.functions.on(Functions::APPROVALS, |_| async { Err(Failure::new(FailureKind::Contention, "row changed")) });
    let busy = site.post(&format!("/api/approvals/{}/decide", gate.id), &approve(&gate)).await;
    assert_eq!((busy.status.as_u16(), busy.headers["retry-after"].to_str().unwrap()), (503, "2"));
    assert!(busy.body.contains("Nothing was changed") && !busy.body.contains("row changed"), "{}", busy.body);
    site.config.approvals_function = "gone".to_owned();
    assert_eq!(decide(&site, &gate, approve(&gate)).await.0, 500);
    assert_eq!(site.world.everything().await, before);
}

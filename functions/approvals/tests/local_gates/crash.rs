//! The function dies between the decision and the state machine.

use domain::gate::requests::{ApprovalRequest, DecideAnswer, DeliverAnswer};
use domain::gate::{GateStatus, Verdict};
use domain::ids::TaskToken;
use domain::outbox::{OutboxChannel, OutboxPointer};
use serde_json::json;
use testkit::sample::at;

use crate::office::{Office, ask, says, told};

#[tokio::test]
async fn a_decision_counts_before_the_state_machine_knows_and_is_delivered_later() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    assert_eq!(office.deliver(&gate.id, at(60)).await, DeliverAnswer::Nothing, "it is open");

    let decision = says("ann", Verdict::Approve, &gate);
    let request = ApprovalRequest::Decide { gate: gate.id.clone(), decision: decision.clone() };
    let answer: DecideAnswer = ask(&office.cut_off(), &request, at(60)).await.unwrap();
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
    let stored = office.gate(&gate.id).await;
    assert_eq!((stored.status, stored.delivered_at), (GateStatus::Approved, None));
    assert_eq!(office.world.gates.undelivered(at(60), 10).await.unwrap(), std::slice::from_ref(&gate.id));
    assert!(office.world.tokens.gate(&gate.id).await.unwrap().is_some(), "the token is kept");
    let again = office.decide(&gate.id, decision, at(61)).await;
    assert!(matches!(again, DecideAnswer::Refused { .. }), "it was decided: {again:?}");

    assert_eq!(office.deliver(&gate.id, at(90)).await, DeliverAnswer::Delivered);
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let before = office.world.everything().await;
    assert_eq!(office.deliver(&gate.id, at(99)).await, DeliverAnswer::Delivered);
    assert_eq!(office.world.everything().await, before, "twice is once");
    assert_eq!(office.gate(&gate.id).await.delivered_at, Some(at(90)));
    assert!(office.world.gates.undelivered(at(999), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_queue_of_decisions_hands_over_what_a_crash_kept_back_and_twice_is_once() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    office.decide_by(&office.cut_off(), &gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    let rows = office.world.store.outbox(&gate.workflow_id).await.unwrap();
    let row = rows.iter().find(|row| row.channel == OutboxChannel::Delivery).unwrap();
    let pointer = OutboxPointer { workflow_id: gate.workflow_id.clone(), seq: row.seq };

    let undelivered = office.queue(&office.cut_off(), &[("a", json!(pointer))]).await;
    assert_eq!(undelivered, ["a"], "Step Functions does not answer: it comes again");
    let other = OutboxPointer { seq: 1, ..pointer.clone() };
    let none = OutboxPointer { seq: 99, ..pointer.clone() };
    let messages =
        [("a", json!(pointer)), ("b", json!({})), ("c", json!(other)), ("d", json!(none)), ("e", json!(pointer))];
    assert_eq!(office.queue_here(&messages).await, ["b", "c", "d"], "what is no decision is left to the dead letters");
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    assert!(office.gate(&gate.id).await.delivered_at.is_some());
}

#[tokio::test]
async fn a_token_that_nobody_waits_for_any_more_counts_as_told() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("gone")).await;
    office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    assert_eq!(office.gate(&gate.id).await.delivered_at, Some(at(60)));
    assert_eq!(office.world.tokens.gate(&gate.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_stopped_execution_does_not_keep_a_gate_from_being_decided() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    office.world.states().stop_execution().execution_arn(&wait.execution).send().await.unwrap();
    let answer = office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
    assert_eq!(office.gate(&gate.id).await.delivered_at, Some(at(60)));
}

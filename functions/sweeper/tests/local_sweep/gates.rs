//! Gates whose time is up, and decisions that did not arrive.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::ApprovalRequest;
use domain::gate::{DecisionRequest, Gate, GateStatus, Stage, Verdict};
use domain::ids::TaskToken;
use domain::steps::GateOutput;
use store::InboxItem;
use sweeper::Swept;
use testkit::sample::{at, by};
use testkit::{Functions, Outcome};

use crate::broom::Broom;

fn told(decision: GateStatus) -> Outcome {
    let output = GateOutput { decision, settled: false, another_round: false };
    Outcome::Success(serde_json::to_value(output).unwrap())
}

async fn status(broom: &Broom, gate: &Gate) -> GateStatus {
    broom.world.gates.gate(&gate.id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_gate_expires_when_its_time_is_up_and_not_before() {
    let broom = Broom::start().await;
    let wait = broom.world.wait().await;
    let gate = broom.asked("FL-1", &wait.token).await;
    assert_eq!(broom.sweep(3_599).await.unwrap().expired, 0);
    assert_eq!(status(&broom, &gate).await, GateStatus::Pending);

    assert_eq!(broom.sweep(3_600).await.unwrap(), Swept { expired: 1, ..Swept::default() });
    assert_eq!(wait.outcome().await, told(GateStatus::Expired));
    assert_eq!(broom.world.workflow(&gate.workflow_id).await.state, WorkflowState::SpecRejected);
    assert_eq!(broom.sweep(3_660).await.unwrap(), Swept::default());
}

#[tokio::test]
async fn people_are_told_at_half_three_quarters_and_nine_tenths_of_the_time_once_each() {
    let broom = Broom::start().await;
    let gate = broom.asked("FL-1", &TaskToken::new("token")).await;
    let told = Swept { reminded: 1, ..Swept::default() };
    for (second, swept) in [
        (1_799, Swept::default()),
        (1_800, told),
        (1_860, Swept::default()),
        (2_700, told),
        (2_760, Swept::default()),
        (3_240, told),
        (3_599, Swept::default()),
    ] {
        assert_eq!(broom.sweep(second).await.unwrap(), swept, "at second {second}");
    }
    let trail = broom.world.trail(&gate.workflow_id).await;
    assert_eq!(trail.iter().filter(|event| *event == "gate_stage").count(), 3);
    let after = broom.world.gates.gate(&gate.id).await.unwrap().unwrap();
    assert_eq!((after.stage, after.approvers.len()), (Stage::LastCall, 4), "carl is asked too");
    assert_eq!(broom.world.gates.inbox("carl@acme.example").await.unwrap(), [InboxItem::of(&after)]);
}

#[tokio::test]
async fn two_sweeps_at_once_expire_a_gate_once() {
    let broom = Broom::start().await;
    let gate = broom.asked("FL-1", &TaskToken::new("token")).await;
    let (a, b) = tokio::join!(broom.sweep(3_600), broom.sweep(3_600));
    assert_eq!(a.unwrap().expired + b.unwrap().expired, 1);
    let trail = broom.world.trail(&gate.workflow_id).await;
    assert_eq!(trail.iter().filter(|event| *event == "gate_decided").count(), 1);
}

#[tokio::test]
async fn one_gate_that_cannot_be_expired_keeps_no_other_waiting() {
    let broom = Broom::start().await;
    let (bad, good) =
        (broom.asked("FL-1", &TaskToken::new("a")).await, broom.asked("FL-2", &TaskToken::new("b")).await);
    broom.functions.serve_workflow(&broom.workflow, at(3_600));
    let (gates, stuck) = (broom.world.gates_function(&broom.world.aws), bad.id.clone());
    let gates = std::sync::Arc::new(gates);
    broom.functions.on(Functions::APPROVALS, move |request| {
        let (gates, stuck) = (gates.clone(), stuck.clone());
        async move {
            if request["gate"] == stuck.as_str() {
                return Err(Failure::new(FailureKind::Inconsistent, "the row cannot be read"));
            }
            approvals::handle(&gates, request, at(3_600)).await
        }
    });
    assert!(broom.sweep_with_these_functions(3_600).await.is_err(), "the failure is seen");
    assert_eq!(status(&broom, &good).await, GateStatus::Expired);
    assert_eq!(status(&broom, &bad).await, GateStatus::Pending);
    assert_eq!(broom.sweep(3_660).await.unwrap().expired, 1, "and mended by the next sweep");
}

#[tokio::test]
async fn a_decision_that_a_crash_kept_back_is_delivered() {
    let broom = Broom::start().await;
    let wait = broom.world.wait().await;
    let gate = broom.asked("FL-1", &wait.token).await;
    let subject_digest = Some(gate.subject_digest);
    let decision =
        DecisionRequest { verdict: Verdict::Approve, by: by("ann"), subject_digest, comment: None, sections: vec![] };
    let request = ApprovalRequest::Decide { gate: gate.id.clone(), decision };
    let cut_off = broom.world.gates_function(&broom.world.unreachable());
    approvals::handle(&cut_off, serde_json::to_value(request).unwrap(), at(60)).await.unwrap();
    assert_eq!(status(&broom, &gate).await, GateStatus::Approved);

    assert_eq!(broom.sweep(89).await.unwrap(), Swept::default(), "its own function may still be at it");
    assert_eq!(broom.sweep(90).await.unwrap(), Swept { delivered: 1, ..Swept::default() });
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    assert_eq!(broom.sweep(150).await.unwrap(), Swept::default());
}

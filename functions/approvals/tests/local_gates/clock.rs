//! Reminders, more time, more people.

use domain::gate::requests::{ChangeAnswer, ClockAnswer};
use domain::gate::{GateStatus, Refusal, Stage, Verdict};
use domain::ids::TaskToken;
use domain::outbox::{Notice, OutboxChannel};
use testkit::sample::at;

use crate::office::{Office, says, told};

#[tokio::test]
async fn the_clock_tells_escalates_and_expires() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let before = office.world.everything().await;
    assert_eq!(office.clock(&gate.id, at(1_799)).await, ClockAnswer::Nothing);
    assert_eq!(office.world.everything().await, before);
    assert_eq!(office.clock(&gate.id, at(1_800)).await, ClockAnswer::Told { stage: Stage::Reminded });
    assert_eq!(office.clock(&gate.id, at(1_801)).await, ClockAnswer::Nothing, "once");
    assert!(office.world.gates.inbox("carl@acme.example").await.unwrap().is_empty());
    assert_eq!(office.clock(&gate.id, at(2_700)).await, ClockAnswer::Told { stage: Stage::Escalated });
    assert_eq!(office.world.gates.inbox("carl@acme.example").await.unwrap().len(), 1);
    let mails = office.world.store.outbox(&gate.workflow_id).await.unwrap();
    let stages: Vec<Stage> = mails
        .iter()
        .filter(|row| row.channel == OutboxChannel::Email)
        .filter_map(|row| match row.message.notice {
            Notice::GateStillOpen { stage, .. } => Some(stage),
            _ => None,
        })
        .collect();
    assert_eq!(stages, [Stage::Reminded, Stage::Escalated]);
    assert_eq!(office.clock(&gate.id, at(3_600)).await, ClockAnswer::Expired);
    assert_eq!(wait.outcome().await, told(GateStatus::Expired));
    assert!(office.world.gates.inbox("carl@acme.example").await.unwrap().is_empty());
}

#[tokio::test]
async fn who_is_asked_takes_more_time_and_nobody_else_does() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let refused = office.extend(&gate.id, "eve", at(7_200)).await;
    assert!(matches!(refused, ChangeAnswer::Refused { refusal: Refusal::NotAnApprover, .. }), "{refused:?}");
    assert_eq!(office.extend(&gate.id, "ann", at(7_200)).await, ChangeAnswer::Changed);
    assert_eq!(office.clock(&gate.id, at(3_600)).await, ClockAnswer::Told { stage: Stage::Reminded });
    office.decide(&gate.id, says("bob", Verdict::Approve, &gate), at(7_199)).await;
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    assert!(office.world.trail(&gate.workflow_id).await.contains(&"gate_extended".to_owned()));
}

#[tokio::test]
async fn a_decision_is_handed_on_to_who_may_be_asked() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let refused = office.delegate(&gate.id, "ann", "eve").await;
    assert!(matches!(refused, ChangeAnswer::Refused { refusal: Refusal::DelegateRefused, .. }), "{refused:?}");
    assert_eq!(office.delegate(&gate.id, "ann", "carl").await, ChangeAnswer::Changed);
    assert_eq!(office.world.gates.inbox("carl@acme.example").await.unwrap().len(), 1);
    assert!(office.mint(&gate.id, "carl", at(61)).await.is_ok(), "carl gets a link");
    office.decide(&gate.id, says("carl", Verdict::Approve, &gate), at(62)).await;
    assert_eq!(office.gate(&gate.id).await.status, GateStatus::Approved);
}

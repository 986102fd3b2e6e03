//! More than one approval.

use domain::WorkflowState;
use domain::gate::requests::DecideAnswer;
use domain::gate::{GateStatus, Refusal, Verdict};
use domain::ids::TaskToken;
use futures::future::join_all;
use testkit::sample::at;

use crate::office::{Office, says, told};

#[tokio::test]
async fn at_risk_it_takes_two_people_and_the_first_is_counted_in_the_audit_trail() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened_at_risk(&wait.token).await;
    assert_eq!((gate.quorum.required, gate.quorum.reasons.len()), (2, 1));

    let first = office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    assert_eq!(first, DecideAnswer::Counted { approvals: 1, required: 2 });
    let again = office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(61)).await;
    let refusal = Refusal::AlreadyApproved { missing: 1 };
    let message = refusal.to_string();
    assert_eq!(again, DecideAnswer::Refused { refusal, message });
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!((workflow.state, workflow.open_gate.as_ref()), (WorkflowState::AwaitingSpecApproval, Some(&gate.id)));
    assert!(office.world.tokens.gate(&gate.id).await.unwrap().is_some(), "nobody was told");
    assert_eq!(office.world.gates.inbox("bob@acme.example").await.unwrap().len(), 1, "bob is still asked");
    assert!(office.world.gates.inbox("ann@acme.example").await.unwrap().is_empty(), "ann has approved");

    let second = office.decide(&gate.id, says("bob", Verdict::Approve, &gate), at(62)).await;
    assert_eq!(second, DecideAnswer::Decided { status: GateStatus::Approved });
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let trail = office.world.trail(&gate.workflow_id).await;
    assert_eq!(trail[trail.len() - 2..], ["gate_approved", "gate_decided"]);
}

#[tokio::test]
async fn approvals_given_at_once_are_all_counted() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened_at_risk(&wait.token).await;
    let people = ["ann", "bob", "ann", "bob", "ann", "bob"];
    let answers =
        join_all(people.map(|name| office.decide(&gate.id, says(name, Verdict::Approve, &gate), at(60)))).await;
    let counted = answers.iter().filter(|answer| matches!(answer, DecideAnswer::Counted { .. })).count();
    let decided = answers.iter().filter(|answer| matches!(answer, DecideAnswer::Decided { .. })).count();
    assert_eq!((counted, decided), (1, 1), "{answers:?}");
    assert_eq!(office.gate(&gate.id).await.approvals.len(), 2);
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
}

#[tokio::test]
async fn one_no_outweighs_any_approval() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened_at_risk(&wait.token).await;
    office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    let answer = office.decide(&gate.id, says("bob", Verdict::Reject, &gate), at(61)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Rejected });
    assert_eq!(wait.outcome().await, told(GateStatus::Rejected));
}

#[tokio::test]
async fn whoever_left_the_deployments_lists_approves_nothing_any_more() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let without_ann = office.without("ann");
    let approve = says("ann", Verdict::Approve, &gate);
    let answer = office.decide_by(&without_ann, &gate.id, approve.clone(), at(60)).await;
    let refusal = Refusal::NotAnApprover;
    let message = refusal.to_string();
    assert_eq!(answer, DecideAnswer::Refused { refusal, message });
    // Nothing but the list differs.
    let answer = office.decide(&gate.id, approve, at(60)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
}

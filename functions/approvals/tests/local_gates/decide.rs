//! Who may decide what, and once.

use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, GateKind, GateStatus, Refusal, Verdict};
use domain::ids::TaskToken;
use domain::person::Actor;
use domain::spec::FileAction;
use domain::workflow::{Event, RoundLimits};
use domain::{Digest, WorkflowState};
use futures::future::join_all;
use testkit::sample::{at, sha, ticket};

use crate::office::{Office, says, told};

#[tokio::test]
async fn what_may_not_decide_is_refused_and_changes_nothing() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let before = office.world.everything().await;
    let good = says("ann", Verdict::Approve, &gate);
    let outsider = says("eve", Verdict::Approve, &gate);
    let requester = says("rita", Verdict::Approve, &gate);
    let system = DecisionRequest { by: Actor::system("console"), ..good.clone() };
    let unseen = DecisionRequest { subject_digest: Some(Digest::of("another SPEC")), ..good.clone() };
    let blind = DecisionRequest { subject_digest: None, ..good.clone() };
    let silent = DecisionRequest { comment: Some("  ".to_owned()), ..says("ann", Verdict::Reject, &gate) };
    let early = DecisionRequest { verdict: Verdict::Expire, by: Actor::system("sweeper"), ..blind.clone() };
    let merged = Verdict::MergedAtHost { merge_sha: sha("d") };
    for (request, second, refusal) in [
        (outsider, 60, Refusal::NotAnApprover),
        (requester, 60, Refusal::RequesterCannotApprove),
        (system, 60, Refusal::NotAnApprover),
        (unseen, 60, Refusal::SubjectChanged),
        (blind, 60, Refusal::SubjectChanged),
        (silent, 60, Refusal::CommentMissing),
        (good.clone(), 3_600, Refusal::Due { due_at: at(3_600) }),
        (early, 3_599, Refusal::NotDue { due_at: at(3_600) }),
        (says("ann", merged, &gate), 60, Refusal::WrongVerdict),
    ] {
        let message = refusal.to_string();
        let answer = office.decide(&gate.id, request, at(second)).await;
        assert_eq!(answer, DecideAnswer::Refused { refusal, message });
        assert_eq!(office.world.everything().await, before);
    }
    let unknown = GateKind::Spec.gate_id(&gate.workflow_id, 2).unwrap();
    assert_eq!(office.decide(&unknown, good.clone(), at(60)).await, DecideAnswer::NotFound);

    // Each differs from this one in one thing only.
    let answer = office.decide(&gate.id, good, at(3_599)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!((workflow.state, workflow.open_gate), (WorkflowState::SpecApproved, None));
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_wins_and_the_other_is_told() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let requests = [says("ann", Verdict::Approve, &gate), says("bob", Verdict::Reject, &gate)];
    let answers = join_all(requests.map(|request| office.decide(&gate.id, request, at(60)))).await;

    let status = office.gate(&gate.id).await.status;
    assert!(answers.contains(&DecideAnswer::Decided { status }), "{answers:?}");
    let refusal = Refusal::AlreadyDecided { status };
    let message = refusal.to_string();
    assert!(answers.contains(&DecideAnswer::Refused { refusal, message }), "{answers:?}");
    assert_eq!(wait.outcome().await, told(status));
    let trail = office.world.trail(&gate.workflow_id).await;
    assert_eq!(trail.iter().filter(|event| *event == "gate_decided").count(), 1);
}

#[tokio::test]
async fn a_spec_is_sent_back_no_more_often_than_the_limit() {
    let office = Office::start().await;
    let limits = RoundLimits { plan_revisions: 0, ..RoundLimits::default() };
    let begun = office.world.begin_with(&ticket("FL-1"), limits).await;
    office.world.plan(&begun, &sha("a"), &[("src/app.js", FileAction::Modify)]).await;
    office.open(&begun.id, GateKind::Spec, &TaskToken::new("token")).await;
    let gate = office.gate(&GateKind::Spec.gate_id(&begun.id, 1).unwrap()).await;
    let answer = office.decide(&gate.id, says("ann", Verdict::Revise, &gate), at(60)).await;
    assert!(matches!(answer, DecideAnswer::Refused { refusal: Refusal::NoRoundsLeft { rounds: 0 }, .. }), "{answer:?}");
    let answer = office.decide(&gate.id, says("ann", Verdict::Reject, &gate), at(60)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Rejected });
}

#[tokio::test]
async fn a_cancel_decides_the_open_gate_and_nothing_else() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let cancel = Event::CancelRequested { reason: "not wanted".to_owned() };
    office.world.tell(&gate.workflow_id, [cancel]).await;
    assert_eq!(office.cancel(&gate.workflow_id).await, DecideAnswer::Decided { status: GateStatus::Cancelled });
    assert_eq!(wait.outcome().await, told(GateStatus::Cancelled));
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!((workflow.state, workflow.reason.as_deref()), (WorkflowState::Cancelled, Some("not wanted")));
    assert_eq!(office.cancel(&gate.workflow_id).await, DecideAnswer::NotFound, "no gate is open any more");
    assert!(office.world.gates.inbox("ann@acme.example").await.unwrap().is_empty());
}

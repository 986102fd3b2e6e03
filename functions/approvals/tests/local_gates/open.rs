//! Opening gates.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, GateKind, GateStatus, Refusal, Subject, Verdict};
use domain::ids::{LinkId, TaskToken};
use domain::outbox::OutboxChannel;
use domain::person::Actor;
use domain::steps::GateOutput;
use domain::workflow::Event;
use testkit::Outcome;
use testkit::sample::{at, now, person, sha, ticket};

use crate::office::{Office, says, told, told_of};

#[tokio::test]
async fn opening_writes_gate_workflow_and_messages_together_and_keeps_the_token() {
    let office = Office::start().await;
    let token = TaskToken::new("token");
    let gate = office.opened(&token).await;
    assert_eq!((gate.status, gate.created_at, gate.due_at), (GateStatus::Pending, now(), at(3_600)));
    assert_eq!(gate.requester, person("rita"));
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!((workflow.state, workflow.spec_gates), (WorkflowState::AwaitingSpecApproval, 1));
    assert_eq!(workflow.open_gate.as_ref(), Some(&gate.id));
    let Subject::Spec { spec_digest, .. } = gate.subject else { panic!("another subject") };
    assert_eq!(spec_digest, workflow.spec.unwrap().digest);
    assert_eq!(office.world.trail(&workflow.id).await.last().unwrap(), "gate_opened");
    let channels: Vec<_> =
        office.world.store.outbox(&workflow.id).await.unwrap().iter().map(|row| row.channel).collect();
    assert_eq!(channels, [OutboxChannel::Ticket, OutboxChannel::Email, OutboxChannel::Ticket, OutboxChannel::Slack]);
    assert_eq!(office.world.tokens.gate(&gate.id).await.unwrap(), Some(token));
}

#[tokio::test]
async fn a_step_that_is_tried_again_replaces_the_token_and_opens_no_second_gate() {
    let office = Office::start().await;
    let (lost, wait) = (TaskToken::new("lost"), office.world.wait().await);
    let gate = office.opened(&lost).await;
    office.open(&gate.workflow_id, GateKind::Spec, &wait.token).await;
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!((workflow.spec_gates, office.gate(&gate.id).await), (1, gate.clone()));

    office.decide(&gate.id, says("ann", Verdict::Approve, &gate), at(60)).await;
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
}

#[tokio::test]
async fn a_step_that_is_tried_again_after_the_decision_is_told_of_it() {
    let office = Office::start().await;
    let (first, second) = (office.world.wait().await, office.world.wait().await);
    let gate = office.opened(&first.token).await;
    office.decide(&gate.id, says("bob", Verdict::Revise, &gate), at(60)).await;
    let output = GateOutput { decision: GateStatus::RevisionRequested, settled: false, another_round: true };
    assert_eq!(first.outcome().await, told_of(&output));
    let before = office.world.everything().await;

    office.open(&gate.workflow_id, GateKind::Spec, &second.token).await;
    assert_eq!(second.outcome().await, told_of(&output));
    assert_eq!(office.world.everything().await, before, "nothing is left of the second token");
}

#[tokio::test]
async fn a_step_that_is_tried_again_hears_the_decision_even_after_a_cancel_or_the_end() {
    for (verdict, status) in [(Verdict::Approve, GateStatus::Approved), (Verdict::Reject, GateStatus::Rejected)] {
        let office = Office::start().await;
        let wait = office.world.wait().await;
        let gate = office.opened(&TaskToken::new("lost")).await;
        let cancel = Event::CancelRequested { reason: "not wanted".to_owned() };
        office.world.tell(&gate.workflow_id, [cancel]).await;
        // The function dies before it tells anybody.
        let decision = says("ann", verdict, &gate);
        let answer = office.decide_by(&office.cut_off(), &gate.id, decision, at(60)).await;
        assert_eq!(answer, DecideAnswer::Decided { status });
        office.open(&gate.workflow_id, GateKind::Spec, &wait.token).await;
        assert_eq!(wait.outcome().await, told(status), "and not that it was cancelled");
    }
}

#[tokio::test]
async fn an_amendment_opens_a_gate_of_its_own_and_no_earlier_link_opens_it() {
    let office = Office::start().await;
    let first = office.opened(&TaskToken::new("first")).await;
    let link: LinkId = office.mint(&first.id, "bob", at(30)).await.unwrap().link_id.parse().unwrap();
    office.decide(&first.id, says("ann", Verdict::Approve, &first), at(60)).await;
    let workflow = office.world.scope_change(&first.workflow_id).await;
    assert_eq!(workflow.state, WorkflowState::Executing);

    let wait = office.world.wait().await;
    office.open(&workflow.id, GateKind::Spec, &wait.token).await;
    let gate = office.gate(&GateKind::Spec.gate_id(&workflow.id, 2).unwrap()).await;
    let Subject::Spec { revision, spec_digest, .. } = &gate.subject else { panic!("another subject") };
    assert_eq!((revision.get(), *spec_digest), (2, workflow.spec.unwrap().digest));
    assert_eq!(office.world.workflow(&workflow.id).await.state, WorkflowState::AwaitingSpecApproval);

    let grant = office.world.gates.link(link.digest()).await.unwrap().unwrap();
    assert_eq!(grant.gate, first.id);
    let seen_before = says("bob", Verdict::Approve, &first);
    let answer = office.decide(&gate.id, seen_before, at(60)).await;
    let changed = matches!(answer, DecideAnswer::Refused { refusal: Refusal::SubjectChanged, .. });
    assert!(changed, "what was approved before is no yes to the amendment: {answer:?}");
    let closed = office.decide(&first.id, says("bob", Verdict::Reject, &first), at(60)).await;
    assert!(matches!(closed, DecideAnswer::Refused { refusal: Refusal::AlreadyDecided { .. }, .. }), "{closed:?}");

    office.decide(&gate.id, says("bob", Verdict::Approve, &gate), at(90)).await;
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let after = office.world.workflow(&workflow.id).await;
    assert_eq!((after.state, after.attempt.get()), (WorkflowState::SpecApproved, 2));
}

#[tokio::test]
async fn two_tries_of_a_step_at_once_open_one_gate() {
    let office = Office::start().await;
    let workflow = office.planned().await;
    let (a, b) = (TaskToken::new("a"), TaskToken::new("b"));
    tokio::join!(office.open(&workflow.id, GateKind::Spec, &a), office.open(&workflow.id, GateKind::Spec, &b),);
    assert_eq!(office.world.workflow(&workflow.id).await.spec_gates, 1);
    let opened = office.world.trail(&workflow.id).await.iter().filter(|event| *event == "gate_opened").count();
    assert_eq!(opened, 1);
}

#[tokio::test]
async fn no_gate_opens_for_a_cancelled_workflow() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let workflow = office.planned().await;
    let cancel = Event::CancelRequested { reason: "not wanted".to_owned() };
    office.world.tell(&workflow.id, [cancel]).await;
    let before = office.world.everything().await;
    office.open(&workflow.id, GateKind::Spec, &wait.token).await;
    assert_eq!(wait.outcome().await, told(GateStatus::Cancelled));
    assert_eq!(office.world.everything().await, before);
}

#[tokio::test]
async fn a_gate_that_cannot_be_opened_fails_the_wait_by_name() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let workflow = office.world.begin(&ticket("FL-1")).await;
    office.open(&workflow.id, GateKind::Spec, &wait.token).await;
    let Outcome::Failure(error, cause) = wait.outcome().await else { panic!("it was answered") };
    assert_eq!(error, FailureKind::Superseded.as_str());
    assert!(cause.contains("PENDING"), "{cause}");
}

#[tokio::test]
async fn a_pull_request_merged_at_the_host_settles_its_gate() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let workflow = office.world.published(&ticket("FL-1"), &sha("b")).await;
    office.open(&workflow.id, GateKind::Pr, &wait.token).await;
    let gate = office.gate(&GateKind::Pr.gate_id(&workflow.id, 1).unwrap()).await;
    assert_eq!(gate.due_at, at(7_200));

    let verdict = Verdict::MergedAtHost { merge_sha: sha("d") };
    let fact =
        DecisionRequest { verdict, by: Actor::system("github"), subject_digest: None, comment: None, sections: vec![] };
    office.decide(&gate.id, fact, at(99_999)).await;
    let output = GateOutput { decision: GateStatus::Approved, settled: true, another_round: false };
    assert_eq!(wait.outcome().await, told_of(&output), "a fact has no deadline");
    let after = office.world.workflow(&workflow.id).await;
    assert_eq!((after.state, after.pr.unwrap().merge_sha), (WorkflowState::Merged, Some(sha("d"))));
}

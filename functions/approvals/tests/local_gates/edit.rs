//! Approving with edits. The edit itself is checked and stored by `workflow`.

use domain::gate::policy::RiskFacts;
use domain::gate::requests::DecideAnswer;
use domain::gate::{Gate, GateStatus, Refusal, Subject, Verdict};
use domain::ids::{Revision, TaskToken};
use domain::workflow::{Event, SpecEdit};
use domain::{Digest, WorkflowState};
use testkit::sample::{at, person};

use crate::office::{Office, says, told};

/// An edit of ann's, as `workflow` records it.
async fn edited(office: &Office, gate: &Gate, facts: RiskFacts) -> SpecEdit {
    let Subject::Spec { spec_digest: of, .. } = gate.subject else { panic!("another subject") };
    let revision = office.world.workflow(&gate.workflow_id).await.next_revision();
    let spec_digest = Digest::of(format!("edit {revision}"));
    let edit = SpecEdit { revision, spec_digest, of, by: person("ann"), facts };
    let event = Event::SpecEdited { edit: edit.clone(), changed: vec!["Files".to_owned()] };
    office.world.tell(&gate.workflow_id, [event]).await;
    edit
}

fn approval(edit: &SpecEdit) -> Verdict {
    Verdict::ApproveEdited { revision: edit.revision, spec_digest: edit.spec_digest }
}

#[tokio::test]
async fn an_approved_edit_is_the_spec_that_is_built() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let edit = edited(&office, &gate, RiskFacts::default()).await;
    let answer = office.decide(&gate.id, says("ann", approval(&edit), &gate), at(60)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let workflow = office.world.workflow(&gate.workflow_id).await;
    let spec = workflow.spec.unwrap();
    assert_eq!((spec.digest, spec.approved, workflow.revision.get()), (edit.spec_digest, true, 2));
    assert_eq!((workflow.state, workflow.previous_revision), (WorkflowState::SpecApproved, Some(Revision::FIRST)));
}

#[tokio::test]
async fn an_edit_counts_only_as_its_editors_checked_one_of_what_is_asked() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let edit = edited(&office, &gate, RiskFacts::default()).await;
    let other = SpecEdit { spec_digest: Digest::of("never checked"), ..edit.clone() };
    let later = SpecEdit { revision: edit.revision.next(), ..edit.clone() };
    for (name, wrong) in [("bob", &edit), ("ann", &other), ("ann", &later)] {
        let answer = office.decide(&gate.id, says(name, approval(wrong), &gate), at(60)).await;
        assert!(matches!(answer, DecideAnswer::Refused { refusal: Refusal::EditUnknown, .. }), "{answer:?}");
    }
    let newer = edited(&office, &gate, RiskFacts::default()).await;
    assert_eq!(newer.revision, edit.revision.next(), "a number is given once");
    let answer = office.decide(&gate.id, says("ann", approval(&edit), &gate), at(60)).await;
    assert!(matches!(answer, DecideAnswer::Refused { refusal: Refusal::EditUnknown, .. }), "only the last: {answer:?}");
    let answer = office.decide(&gate.id, says("ann", approval(&newer), &gate), at(60)).await;
    assert_eq!(answer, DecideAnswer::Decided { status: GateStatus::Approved });
}

#[tokio::test]
async fn an_edit_that_raises_the_risk_needs_the_approvals_that_this_takes() {
    let office = Office::start().await;
    let wait = office.world.wait().await;
    let gate = office.opened(&wait.token).await;
    let link = office.mint(&gate.id, "bob", at(30)).await.unwrap().link_id.parse::<domain::LinkId>().unwrap();
    let edit = edited(&office, &gate, RiskFacts { protected_files: 1, ..RiskFacts::default() }).await;
    let answer = office.decide(&gate.id, says("ann", approval(&edit), &gate), at(60)).await;
    assert_eq!(answer, DecideAnswer::Counted { approvals: 1, required: 2 });

    let after = office.gate(&gate.id).await;
    let grant = office.world.gates.link(link.digest()).await.unwrap().unwrap();
    assert_ne!(grant.subject_digest, after.subject_digest, "an earlier link opens nothing any more");
    let unseen = office.decide(&gate.id, says("bob", Verdict::Approve, &gate), at(61)).await;
    assert!(matches!(unseen, DecideAnswer::Refused { refusal: Refusal::SubjectChanged, .. }), "{unseen:?}");
    let seen = office.decide(&gate.id, says("bob", Verdict::Approve, &after), at(62)).await;
    assert_eq!(seen, DecideAnswer::Decided { status: GateStatus::Approved });
    assert_eq!(wait.outcome().await, told(GateStatus::Approved));
    let workflow = office.world.workflow(&gate.workflow_id).await;
    assert_eq!(workflow.spec.unwrap().digest, edit.spec_digest);
}

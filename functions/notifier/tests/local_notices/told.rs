//! What is told when nothing goes wrong.

use std::collections::BTreeSet;

use domain::failure::{Failure, FailureKind};
use domain::gate::{Approval, GateKind, Stage};
use domain::ids::LinkId;
use domain::workflow::Event;
use flux_lens_sim::Status;
use testkit::sample::person;

use crate::office::{APPROVERS, BASE, Office, PLAN};

#[tokio::test]
async fn a_plan_is_told_on_the_ticket_and_each_approver_gets_a_link() {
    let office = Office::start().await;
    let (workflow, gate) = office.planned().await;
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 0);

    assert_eq!((office.status(), office.recipients()), (Status::InProgress, APPROVERS.map(str::to_owned).to_vec()));
    let [comment] = &office.comments()[..] else { panic!("one comment was expected") };
    assert!(comment.contains("Keep sessions for 30 minutes") && comment.contains("src/app.js"), "{comment}");
    let page = workflow.id.page(BASE);
    assert!(comment.contains(&page), "{comment}");

    let mut links = BTreeSet::new();
    for mail in office.world.mails() {
        let (_, rest) = mail.text.split_once(&format!("{BASE}/approvals/")).unwrap();
        let link: LinkId = rest.split_whitespace().next().unwrap().parse().unwrap();
        assert!(mail.html.contains(&format!("{BASE}/approvals/{}", link.expose())));
        assert!(mail.subject.contains("Keep sessions for 30 minutes"), "{}", mail.subject);
        let grant = office.world.gates.link(link.digest()).await.unwrap().unwrap();
        assert_eq!((grant.gate, grant.subject_digest), (gate.id.clone(), gate.subject_digest));
        assert_eq!(grant.recipient.email, Some(mail.to));
        assert!(!comment.contains(link.expose()), "everybody reads the ticket");
        links.insert(link.expose().to_owned());
    }
    assert_eq!(links.len(), 3);
    assert!(office.all_sent(&workflow.id).await);
    assert!(office.receive().await.is_empty(), "nothing is left on the queue");
}

#[tokio::test]
async fn a_pull_request_is_told_with_what_was_tested() {
    let office = Office::start().await;
    let workflow = office.published().await;
    office.announce_from(&workflow.id, PLAN).await;
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.recipients(), APPROVERS);
    for mail in office.world.mails() {
        assert!(mail.text.contains("pull request 5") && mail.text.contains("Checks: 1 of 1 passed"), "{}", mail.text);
    }
    assert!(office.comments().last().unwrap().contains("/pull/5"), "{:?}", office.comments());
}

#[tokio::test]
async fn the_end_is_told_with_its_reason() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.world.tell(&workflow.id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.status(), Status::Blocked, "whatever the order of the messages");
    assert!(office.comments().iter().any(|comment| comment.contains("a bug")), "{:?}", office.comments());
}

#[tokio::test]
async fn reminders_go_to_those_who_are_asked_and_have_not_approved() {
    let office = Office::start().await;
    let (workflow, gate) = office.planned().await;
    let mut after = domain::gate::Gate { version: gate.version + 1, stage: Stage::Escalated, ..gate.clone() };
    (after.quorum.required, after.quorum.called_for) = (2, 2);
    after.approvals.push(Approval { by: testkit::sample::by("ann"), at: testkit::sample::at(60), comment: None });
    after.approvers.push(person("carl"));
    office.world.gates.write(office.world.gates.change_writes(&gate, &after).unwrap()).await.unwrap();
    let (id, kind, stage) = (gate.id.clone(), GateKind::Spec, Stage::Escalated);
    let stage = Event::GateStage { gate: id.clone(), kind, stage, added: vec!["carl".to_owned()] };
    office.world.tell(&workflow.id, [stage]).await;
    office.announce_from(&workflow.id, PLAN).await;
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.recipients(), ["bob@acme.example", "carl@acme.example", "rita@acme.example"]);
    for mail in office.world.mails() {
        assert!(mail.subject.starts_with("Still undecided: "), "{}", mail.subject);
        assert!(mail.text.contains("1 of 2 given"), "{}", mail.text);
    }

    let dora = Event::GateDelegated { gate: id, kind, to: Box::new(person("carl")) };
    office.world.tell(&workflow.id, [dora]).await;
    office.announce_from(&workflow.id, PLAN + 1).await;
    assert_eq!(office.deliver().await, 0);
    let mails = office.world.mails();
    let [.., last] = &mails[..] else { panic!("no mail") };
    assert_eq!((mails.len(), last.to.as_str()), (4, "carl@acme.example"));
    assert!(last.subject.starts_with("Handed on to you: "), "{}", last.subject);
}

#[tokio::test]
async fn who_decided_already_is_not_asked() {
    let office = Office::start().await;
    let (workflow, gate) = office.planned().await;
    let decision = domain::gate::DecisionRequest {
        verdict: domain::gate::Verdict::Approve,
        by: testkit::sample::by("ann"),
        subject_digest: Some(gate.subject_digest),
        comment: None,
        sections: vec![],
    };
    let request = domain::gate::requests::ApprovalRequest::Decide { gate: gate.id, decision };
    let gates = office.world.gates_function(&office.world.aws);
    approvals::handle(&gates, serde_json::to_value(request).unwrap(), testkit::sample::at(60)).await.unwrap();
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.recipients(), Vec::<String>::new());
    assert!(office.functions.calls(testkit::Functions::LINKS).is_empty());
    assert!(office.all_sent(&workflow.id).await);
    assert!(gate.approvers.contains(&person("ann")));
}

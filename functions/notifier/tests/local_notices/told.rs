//! What is told when nothing goes wrong.

use std::collections::BTreeSet;

use domain::failure::{Failure, FailureKind};
use domain::ids::LinkId;
use domain::view_token::ViewKey;
use domain::workflow::Event;
use flux_lens_sim::Status;
use testkit::sample::person;

use crate::office::{APPROVERS, BASE, Office, PLAN, VIEW_KEY};

#[tokio::test]
async fn a_plan_is_told_on_the_ticket_and_each_approver_gets_a_link() {
    let office = Office::start().await;
    let (workflow, gate) = office.planned().await;
    office.announce(&workflow.id).await;
    assert_eq!(office.deliver().await, 0);

    assert_eq!((office.status(), office.recipients()), (Status::InProgress, APPROVERS.map(str::to_owned).to_vec()));
    let [comment] = &office.comments()[..] else { panic!("one comment was expected") };
    assert!(comment.contains("Keep sessions for 30 minutes") && comment.contains("src/app.js"), "{comment}");
    let page = ViewKey::derive(VIEW_KEY).workflow_url(BASE, &workflow.id);
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

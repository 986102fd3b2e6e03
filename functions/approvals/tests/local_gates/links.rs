//! Approval links.

use std::collections::BTreeSet;

use domain::failure::FailureKind;
use domain::gate::requests::ApprovalRequest;
use domain::gate::{GateKind, GateStatus, Verdict};
use domain::ids::{LinkId, TaskToken};
use testkit::sample::{at, person};

use crate::office::{Office, says};

#[tokio::test]
async fn a_link_is_256_random_bits_for_one_approver_and_at_rest_only_a_digest() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let mut seen = BTreeSet::new();
    for name in ["ann", "ann", "bob"] {
        let minted = office.mint(&gate.id, name, at(60)).await.unwrap();
        let link: LinkId = minted.link_id.parse().unwrap();
        assert_eq!(minted.link_id.len() * 4, 256);
        let grant = office.world.gates.link(link.digest()).await.unwrap().unwrap();
        assert_eq!((grant.gate, grant.subject_digest), (gate.id.clone(), gate.subject_digest));
        assert_eq!(grant.recipient, person(name));
        assert!(seen.insert(minted.link_id), "each is new");
    }
    let everything = office.world.everything().await;
    for link in seen {
        assert!(!everything.contains(&link));
        assert!(everything.contains(&link.parse::<LinkId>().unwrap().digest().to_string()));
    }
}

#[tokio::test]
async fn only_an_approver_of_an_open_gate_gets_a_link() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let before = office.world.everything().await;
    let unknown = GateKind::Spec.gate_id(&gate.workflow_id, 2).unwrap();
    for (id, name, second, kind) in [
        (&gate.id, "eve", 60, FailureKind::InvalidInput),
        (&gate.id, "ann", 3_600, FailureKind::Superseded),
        (&unknown, "ann", 60, FailureKind::Superseded),
    ] {
        let refused = office.mint(id, name, at(second)).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{refused}");
    }
    assert_eq!(office.world.everything().await, before);

    office.decide(&gate.id, says("bob", Verdict::Approve, &gate), at(60)).await;
    assert_eq!(office.mint(&gate.id, "ann", at(61)).await.unwrap_err().kind, FailureKind::Superseded);
}

#[tokio::test]
async fn whoever_makes_links_cannot_decide() {
    let office = Office::start().await;
    let gate = office.opened(&TaskToken::new("token")).await;
    let decide = ApprovalRequest::Decide { gate: gate.id.clone(), decision: says("ann", Verdict::Approve, &gate) };
    for request in [decide.clone(), ApprovalRequest::Cancel { workflow_id: gate.workflow_id.clone() }] {
        assert_eq!(office.misuse(request).await.unwrap_err().kind, FailureKind::InvalidInput);
    }
    assert_eq!(office.gate(&gate.id).await.status, GateStatus::Pending);
    // The other entry takes the same request.
    let ApprovalRequest::Decide { gate: id, decision } = decide else { return };
    office.decide(&id, decision, at(60)).await;
    assert_eq!(office.gate(&gate.id).await.status, GateStatus::Approved);
}

use super::*;
use crate::ids::{Generation, TicketKey};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn gate() -> Gate {
    let workflow_id = WorkflowId::derive(&TicketKey::flux_lens("1"), Generation::FIRST);
    let subject = Subject::Spec {
        revision: Revision::FIRST,
        spec_digest: Digest::of("spec"),
        base_commit: "a".repeat(40).parse().unwrap(),
        ticket_digest: Digest::of("ticket"),
    };
    Gate {
        id: GateKind::Spec.gate_id(&workflow_id, 1).unwrap(),
        workflow_id,
        subject_digest: subject.digest().unwrap(),
        subject,
        requester: Person::from_email("rita@example.com"),
        approvers: vec![Person::from_email("ann@example.com"), Person::from_email("rita@example.com")],
        created_at: at(0),
        due_at: at(100),
        status: GateStatus::Pending,
        decision: None,
        delivered_at: None,
    }
}

fn request(gate: &Gate, verdict: Verdict, email: &str, comment: Option<&str>) -> DecisionRequest {
    DecisionRequest {
        verdict,
        by: Actor::Person { person: Person::from_email(email), channel: Channel::Link },
        subject_digest: Some(gate.subject_digest),
        comment: comment.map(str::to_owned),
    }
}

#[test]
fn an_approver_decides_once() {
    let gate = gate();
    let decided = gate.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(1)).unwrap();
    assert_eq!(decided.status, GateStatus::Approved);
    let again = decided.decide(request(&gate, Verdict::Reject, "ann@example.com", Some("no")), at(2));
    assert_eq!(again, Err(Refusal::AlreadyDecided { status: GateStatus::Approved }));
}

#[test]
fn who_and_when_are_checked() {
    let gate = gate();
    let decide = |verdict, email, now| gate.decide(request(&gate, verdict, email, Some("because")), now);
    assert_eq!(decide(Verdict::Approve, "eve@example.com", at(1)), Err(Refusal::NotAnApprover));
    assert_eq!(decide(Verdict::Approve, "rita@example.com", at(1)), Err(Refusal::RequesterCannotApprove));
    assert!(decide(Verdict::Reject, "rita@example.com", at(1)).is_ok(), "the requester may withdraw");
    assert_eq!(decide(Verdict::Approve, "ann@example.com", at(100)), Err(Refusal::Due { due_at: at(100) }));
    assert_eq!(decide(Verdict::Expire, "ann@example.com", at(100)), Err(Refusal::WrongVerdict));
}

#[test]
fn a_decision_is_bound_to_what_was_seen() {
    let gate = gate();
    let mut other = request(&gate, Verdict::Approve, "ann@example.com", None);
    other.subject_digest = Some(Digest::of("another"));
    assert_eq!(gate.decide(other.clone(), at(1)), Err(Refusal::SubjectChanged));
    other.subject_digest = None;
    assert_eq!(gate.decide(other, at(1)), Err(Refusal::SubjectChanged));
}

#[test]
fn the_system_expires_only_in_time_and_never_approves() {
    let gate = gate();
    let by_system =
        |verdict| DecisionRequest { verdict, by: Actor::system("sweeper"), subject_digest: None, comment: None };
    assert_eq!(gate.decide(by_system(Verdict::Expire), at(99)), Err(Refusal::NotDue { due_at: at(100) }));
    assert_eq!(gate.decide(by_system(Verdict::Expire), at(100)).unwrap().status, GateStatus::Expired);
    assert_eq!(gate.decide(by_system(Verdict::Approve), at(1)), Err(Refusal::NotAnApprover));
    assert_eq!(gate.decide(by_system(Verdict::ClosedAtHost), at(1)), Err(Refusal::WrongVerdict));
}

#[test]
fn revision_and_rejection_need_words() {
    let gate = gate();
    for verdict in [Verdict::Revise, Verdict::Reject] {
        let silent = gate.decide(request(&gate, verdict.clone(), "ann@example.com", Some("  ")), at(1));
        assert_eq!(silent, Err(Refusal::CommentMissing));
        assert!(gate.decide(request(&gate, verdict, "ann@example.com", Some("why")), at(1)).is_ok());
    }
}

use jiff::SignedDuration;

use super::policy::RiskReason;
use super::*;
use crate::ids::{Generation, TicketKey};
use crate::person::Channel;

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
    let id = GateKind::Spec.gate_id(&workflow_id, 1).unwrap();
    let asked = Asked {
        approvers: vec![Person::from_email("ann@example.com"), Person::from_email("rita@example.com")],
        escalation: vec![Person::from_email("carl@example.com")],
        roster: Roster::Deployment,
        quorum: Quorum::default(),
        time: SignedDuration::from_secs(100),
    };
    Gate::new(id, workflow_id, subject, Person::from_email("rita@example.com"), asked, at(0)).unwrap()
}

/// The same for two approvals, with bob among those who may give one.
fn for_two() -> Gate {
    let mut gate = gate();
    gate.approvers.push(Person::from_email("bob@example.com"));
    gate.quorum = Quorum { required: 2, called_for: 2, reasons: vec![RiskReason::NewDependencies { count: 1 }] };
    gate
}

fn request(gate: &Gate, verdict: Verdict, email: &str, comment: Option<&str>) -> DecisionRequest {
    DecisionRequest {
        verdict,
        by: Actor::Person { person: Person::from_email(email), channel: Channel::Link },
        subject_digest: Some(gate.subject_digest),
        comment: comment.map(str::to_owned),
        sections: vec![],
    }
}

fn by(email: &str) -> Actor {
    Actor::Person { person: Person::from_email(email), channel: Channel::Console }
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
    let by_system = |verdict| DecisionRequest::fact(verdict, Actor::system("sweeper"), None);
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

#[test]
fn a_decision_waits_for_as_many_people_as_it_takes() {
    let gate = for_two();
    let first = gate.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(1)).unwrap();
    assert_eq!((first.status, first.missing_approvals(), &first.decision), (GateStatus::Pending, 1, &None));
    let again = first.decide(request(&gate, Verdict::Approve, "ANN@example.com", None), at(2));
    assert_eq!(again, Err(Refusal::AlreadyApproved { missing: 1 }), "one person counts once");
    let requester = first.decide(request(&gate, Verdict::Approve, "rita@example.com", None), at(2));
    assert_eq!(requester, Err(Refusal::RequesterCannotApprove));
    let second = first.decide(request(&gate, Verdict::Approve, "bob@example.com", None), at(3)).unwrap();
    assert_eq!((second.status, second.approvals.len()), (GateStatus::Approved, 2));
    assert_eq!((gate.version, first.version, second.version), (0, 1, 2));
    // Whoever approved may still think better of it, and one no is a no.
    let no = first.decide(request(&gate, Verdict::Reject, "ann@example.com", Some("oh")), at(3)).unwrap();
    assert_eq!(no.status, GateStatus::Rejected);
}

#[test]
fn an_edit_is_another_spec_and_earlier_approvals_are_not_of_it() {
    let gate = for_two();
    let first = gate.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(1)).unwrap();
    let edited = Verdict::ApproveEdited { revision: Revision::FIRST.next(), spec_digest: Digest::of("edited") };
    let second = first.decide(request(&gate, edited.clone(), "bob@example.com", None), at(2)).unwrap();
    assert_eq!((second.status, second.missing_approvals()), (GateStatus::Pending, 1));
    assert_ne!(second.subject_digest, gate.subject_digest);
    assert_eq!(second.subject_digest, second.subject.digest().unwrap());
    let unseen = second.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(3));
    assert_eq!(unseen, Err(Refusal::SubjectChanged), "ann saw the first");
    let third = second.decide(request(&second, Verdict::Approve, "ann@example.com", None), at(3)).unwrap();
    assert_eq!(third.status, GateStatus::Approved);
    let older = second.decide(request(&second, edited, "ann@example.com", None), at(3));
    assert_eq!(older, Err(Refusal::EditUnknown), "a revision is used once");
}

#[test]
fn one_approval_is_enough_for_an_edit_where_one_is_needed() {
    let gate = gate();
    let edited = Verdict::ApproveEdited { revision: Revision::FIRST.next(), spec_digest: Digest::of("edited") };
    let decided = gate.decide(request(&gate, edited, "ann@example.com", None), at(1)).unwrap();
    assert_eq!(decided.status, GateStatus::Approved);
    assert!(matches!(decided.subject, Subject::Spec { spec_digest, .. } if spec_digest == Digest::of("edited")));
}

#[test]
fn words_on_sections_are_one_comment_with_their_names() {
    let gate = gate();
    let section = |section: &str, text: &str| SectionComment { section: section.to_owned(), text: text.to_owned() };
    let mut revise = request(&gate, Verdict::Revise, "ann@example.com", None);
    revise.sections =
        vec![section("Files", "Leave out a.js"), section("Risks", " "), section("Testing\nstrategy", "Add one")];
    let comment = gate.decide(revise.clone(), at(1)).unwrap().decision.unwrap().comment.unwrap();
    assert_eq!(comment, "On “Files”:\nLeave out a.js\n\nOn “Testing strategy”:\nAdd one");
    revise.sections.truncate(2);
    revise.sections.remove(0);
    assert_eq!(gate.decide(revise.clone(), at(1)), Err(Refusal::CommentMissing), "an empty comment is none");
    revise.sections = vec![section("Files", &"x".repeat(MAX_COMMENT_BYTES))];
    assert_eq!(gate.decide(revise.clone(), at(1)), Err(Refusal::CommentTooLong));
    revise.sections = vec![section("Files", "x"); MAX_SECTION_COMMENTS + 1];
    assert_eq!(gate.decide(revise, at(1)), Err(Refusal::CommentTooLong));
}

#[test]
fn people_are_reminded_then_more_are_asked_and_none_twice() {
    let gate = gate();
    assert_eq!((gate.next_look(), gate.due(at(49))), (at(50), Due::Nothing));
    let Due::Stage { gate: reminded, added } = gate.due(at(50)) else { panic!("nothing is due") };
    assert_eq!((reminded.stage, added, reminded.next_look()), (Stage::Reminded, vec![], at(75)));
    assert_eq!(reminded.due(at(74)), Due::Nothing);
    let Due::Stage { gate: escalated, added } = reminded.due(at(75)) else { panic!("nothing is due") };
    assert_eq!((escalated.stage, added.len(), escalated.approvers.len()), (Stage::Escalated, 1, 3));
    assert!(escalated.decide(request(&gate, Verdict::Approve, "carl@example.com", None), at(76)).is_ok());
    assert!(
        reminded.decide(request(&gate, Verdict::Approve, "carl@example.com", None), at(60)).is_err(),
        "not yet asked"
    );
    let Due::Stage { gate: last, added } = escalated.due(at(95)) else { panic!("nothing is due") };
    assert_eq!((last.stage, added, last.next_look()), (Stage::LastCall, vec![], at(100)));
    assert_eq!(last.due(at(99)), Due::Nothing);
    assert_eq!(last.due(at(100)), Due::Expiry);
    let Due::Stage { gate: late, added } = gate.due(at(92)) else { panic!("nothing is due") };
    assert_eq!((late.stage, added.len()), (Stage::LastCall, 1), "what was missed is told at once");
    let decided = late.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(93)).unwrap();
    assert_eq!(decided.due(at(1_000)), Due::Nothing);
}

#[test]
fn who_is_asked_can_take_more_time_within_a_limit() {
    let gate = gate();
    let latest = at(0).checked_add(MAX_OPEN).unwrap();
    assert_eq!(gate.extend(&by("eve@example.com"), at(200), at(1)), Err(Refusal::NotAnApprover));
    assert_eq!(gate.extend(&by("ann@example.com"), at(100), at(1)), Err(Refusal::DeadlineRefused { latest }));
    let beyond = latest.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(gate.extend(&by("ann@example.com"), beyond, at(1)), Err(Refusal::DeadlineRefused { latest }));
    assert_eq!(gate.extend(&by("ann@example.com"), at(200), at(100)), Err(Refusal::Due { due_at: at(100) }));
    let extended = gate.extend(&by("ann@example.com"), at(200), at(99)).unwrap();
    assert_eq!((extended.due_at, extended.next_look(), extended.version), (at(200), at(100), 1));
    assert!(extended.decide(request(&gate, Verdict::Approve, "ann@example.com", None), at(150)).is_ok());
}

#[test]
fn a_question_is_handed_on_to_people_of_the_roster_only() {
    let gate = gate();
    let dora = Person { github_id: Some(7), ..Person::from_email("dora@example.com") };
    let roster = [dora.clone(), Person::from_email("rita@example.com")];
    let hand = |from: &str, to: &str| gate.delegate(&by(from), &Person::from_email(to), &roster, at(1));
    assert_eq!(hand("eve@example.com", "dora@example.com"), Err(Refusal::NotAnApprover));
    assert_eq!(hand("ann@example.com", "eve@example.com"), Err(Refusal::DelegateRefused), "not on the roster");
    assert_eq!(hand("ann@example.com", "rita@example.com"), Err(Refusal::DelegateRefused), "the requester");
    let handed = hand("ann@example.com", "dora@example.com").unwrap();
    assert_eq!(handed.approvers.last(), Some(&dora), "as the roster knows her");
    assert_eq!(handed.delegations.len(), 1);
    assert!(handed.decide(request(&gate, Verdict::Approve, "dora@example.com", None), at(2)).is_ok());
    let twice = handed.delegate(&by("ann@example.com"), &dora, &roster, at(2));
    assert_eq!(twice, Err(Refusal::DelegateRefused), "she is asked already");
    assert!(hand("ann@example.com", "carl@example.com").is_ok(), "the second list is asked earlier");
}

#[test]
fn a_review_at_the_code_host_may_send_back_but_approves_only_by_who_is_asked() {
    let mut gate = gate();
    gate.subject = Subject::Pr {
        number: 1,
        head_sha: "b".repeat(40).parse().unwrap(),
        tree_sha: "c".repeat(40).parse().unwrap(),
        qa_report: Digest::of("qa"),
    };
    gate.approvers[0].github_id = Some(1);
    let says = |id, verdict| DecisionRequest {
        by: Actor::Person { person: Person { github_id: Some(id), ..Person::default() }, channel: Channel::GitHub },
        ..request(&gate, verdict, "", Some("words"))
    };
    assert!(gate.decide(says(99, Verdict::Revise), at(1)).is_ok());
    assert_eq!(gate.decide(says(99, Verdict::Approve), at(1)), Err(Refusal::NotAnApprover));
    assert_eq!(gate.decide(says(99, Verdict::Reject), at(1)), Err(Refusal::NotAnApprover));
    assert_eq!(gate.decide(says(1, Verdict::Approve), at(1)).unwrap().status, GateStatus::Approved);
}

#[test]
fn a_handover_ends_whatever_is_known_when_it_begins() {
    let open = gate();
    assert_eq!(open.handover(true, false), None);
    let decided = open.decide(request(&open, Verdict::Approve, "ann@example.com", None), at(1)).unwrap();
    let told = Gate { delivered_at: Some(at(2)), ..decided.clone() };
    assert_eq!(decided.handover(true, false), Some(Handover::Answer));
    assert_eq!(decided.handover(true, true), Some(Handover::MarkDelivered));
    assert_eq!(decided.handover(false, false), Some(Handover::MarkDelivered));
    assert_eq!(told.handover(true, false), Some(Handover::Answer), "a newer token has had no answer");
    assert_eq!(told.handover(true, true), Some(Handover::ForgetToken));
    assert_eq!(told.handover(false, false), None);
}

#[test]
fn a_row_that_an_earlier_release_wrote_is_read() {
    let mut row = serde_json::to_value(gate()).unwrap();
    for new in ["version", "quorum", "roster", "stage", "escalation"] {
        row.as_object_mut().unwrap().remove(new);
    }
    let read: Gate = serde_json::from_value(row).unwrap();
    assert_eq!((read.version, read.missing_approvals(), read.stage), (0, 1, Stage::Asked));
}

/// Pages offer what counts: approving is refused exactly to whom the standing does not offer it.
#[test]
fn a_standing_says_what_a_decision_comes_to() {
    let fresh = for_two();
    let counted = fresh.decide(request(&fresh, Verdict::Approve, "ann@example.com", None), at(1)).unwrap();
    for gate in [fresh, counted] {
        for email in ["ann@example.com", "rita@example.com", "bob@example.com", "carl@example.com", "eve@example.com"] {
            let standing = gate.standing(&Person::from_email(email));
            let approved = gate.decide(request(&gate, Verdict::Approve, email, None), at(2)).is_ok();
            let rejected = gate.decide(request(&gate, Verdict::Reject, email, Some("no")), at(2)).is_ok();
            assert_eq!(approved, standing == Standing::Asked, "{email}");
            assert_eq!(rejected, standing != Standing::NotAsked, "{email}");
        }
    }
}

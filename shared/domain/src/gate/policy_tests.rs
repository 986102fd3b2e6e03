use super::policy::*;
use super::{GateKind, Roster};
use crate::person::{InvalidPerson, Person};

fn person(name: &str) -> Person {
    Person::from_email(format!("{name}@example.com"))
}

fn policy() -> ApprovalPolicy {
    ApprovalPolicy {
        approvers: vec![person("ann"), person("bob")],
        escalation: vec![person("carl")],
        spec: GateRule { required: 1, seconds: 86_400 },
        pr: GateRule { required: 1, seconds: 172_800 },
        at_risk: 2,
        thresholds: RiskThresholds { files: 15, confidence_percent: 60 },
    }
}

const CALM: RiskFacts = RiskFacts { files: 3, protected_files: 0, new_dependencies: 0, confidence_percent: 90 };

fn asked(policy: &ApprovalPolicy, facts: RiskFacts, repository: Option<&RepoApprovals>, requester: &Person) -> Asked {
    policy.ask(Question { kind: GateKind::Spec, repository, facts: Some(facts), findings: 0, requester })
}

#[test]
fn what_raises_the_risk_raises_the_number_of_approvals() {
    let of = |facts| asked(&policy(), facts, None, &person("rita")).quorum;
    assert_eq!(of(CALM), Quorum::default());
    for (facts, reason) in [
        (RiskFacts { protected_files: 1, ..CALM }, RiskReason::ProtectedFiles { count: 1 }),
        (RiskFacts { new_dependencies: 2, ..CALM }, RiskReason::NewDependencies { count: 2 }),
        (RiskFacts { files: 16, ..CALM }, RiskReason::ManyFiles { count: 16 }),
        (RiskFacts { confidence_percent: 59, ..CALM }, RiskReason::LowConfidence { percent: 59 }),
    ] {
        assert_eq!(of(facts), Quorum { required: 2, called_for: 2, reasons: vec![reason] });
    }
    assert_eq!(of(RiskFacts { files: 15, confidence_percent: 60, ..CALM }), Quorum::default(), "the limits themselves");
    let findings = policy().ask(Question {
        kind: GateKind::Pr,
        repository: None,
        facts: Some(CALM),
        findings: 1,
        requester: &person("rita"),
    });
    assert_eq!(findings.quorum.reasons, [RiskReason::Findings { count: 1 }]);
}

#[test]
fn a_requester_whom_nobody_can_place_raises_it_instead_of_counting_as_somebody_else() {
    let stranger = Person { tracker_id: Some("u-7".to_owned()), ..Person::default() };
    let quorum = asked(&policy(), CALM, None, &stranger).quorum;
    assert_eq!((quorum.required, quorum.reasons.as_slice()), (2, [RiskReason::UnknownRequester].as_slice()));
}

#[test]
fn no_more_approvals_are_needed_than_people_can_give_and_that_is_told() {
    let policy = ApprovalPolicy { approvers: vec![person("ann")], escalation: vec![], at_risk: 3, ..policy() };
    let risky = RiskFacts { protected_files: 1, ..CALM };
    let quorum = asked(&policy, risky, None, &person("rita")).quorum;
    assert_eq!((quorum.required, quorum.called_for), (1, 3));
    let own = asked(&policy, risky, None, &person("ann")).quorum;
    assert_eq!(own.required, 1, "nobody can approve, and none is not an approval");
    let both = ApprovalPolicy { escalation: vec![person("ANN"), person("carl")], ..policy };
    assert_eq!(asked(&both, risky, None, &person("rita")).quorum.required, 2, "ann counts once");
}

#[test]
fn a_repository_names_its_people_and_is_stricter_never_laxer() {
    let repository = |spec: u32, hours: u32| RepoApprovals {
        approvers: vec![person("dora"), person("emil"), person("fay")],
        spec: spec.try_into().ok(),
        spec_hours: hours.try_into().ok(),
        ..RepoApprovals::default()
    };
    let strict = asked(&policy(), CALM, Some(&repository(3, 2)), &person("rita"));
    assert_eq!((strict.quorum.required, strict.time.as_secs(), strict.roster), (3, 7_200, Roster::Repository));
    assert_eq!(strict.approvers.len(), 3);
    assert_eq!(strict.escalation, [person("carl")], "the deployment's, as the repository names none");
    let two = ApprovalPolicy { spec: GateRule { required: 2, seconds: 3_600 }, ..policy() };
    let lax = asked(&two, CALM, Some(&repository(1, 48)), &person("rita"));
    assert_eq!((lax.quorum.required, lax.time.as_secs()), (2, 3_600));
}

#[test]
fn lists_of_people_are_read_and_name_nobody_twice() {
    let read = people("ann@example.com github:1, bob@example.com ,").unwrap();
    assert_eq!((read.len(), read[0].github_id), (2, Some(1)));
    assert!(matches!(people("ann@example.com, bob"), Err(InvalidPerson::Entry { .. })));
    assert!(matches!(people("ann@example.com, Ann@Example.com"), Err(InvalidPerson::Twice { .. })));
    let many = (0..41).map(|n| format!("p{n}@example.com")).collect::<Vec<_>>().join(",");
    assert!(matches!(people(&many), Err(InvalidPerson::TooMany { .. })));
}

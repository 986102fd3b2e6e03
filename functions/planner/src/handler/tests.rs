use domain::Revision;
use domain::budget::Usage;

use super::*;
use crate::session::fixture;

fn workflow(events: impl IntoIterator<Item = Event>) -> Workflow {
    let mut workflow = fixture::workflow(&fixture::ticket());
    for event in events {
        workflow = workflow.apply(event, Actor::system("test"), Timestamp::UNIX_EPOCH).unwrap().workflow;
    }
    workflow
}

fn planning() -> Event {
    Event::PlanningStarted { revision: Revision::FIRST }
}

fn proposed() -> Event {
    Event::SpecProposed {
        revision: Revision::FIRST,
        spec_digest: domain::Digest::of("spec"),
        base_commit: "c".repeat(40).parse().unwrap(),
        usage: Usage::default(),
        facts: RiskFacts::default(),
        approvals: Box::default(),
        forecast: None,
    }
}

#[test]
fn only_a_workflow_without_a_plan_is_planned() {
    let cancel = || Event::CancelRequested { reason: "no longer wanted".to_owned() };
    let unfit = || Event::FoundUnsuitable { reason: "nothing to do".to_owned(), usage: Usage::default() };
    assert_eq!(settled(&workflow([])).unwrap(), None);
    assert_eq!(settled(&workflow([planning()])).unwrap(), None, "a first try that broke off");
    assert_eq!(settled(&workflow([planning(), proposed()])).unwrap(), Some(PlanOutput::SpecReady));
    assert_eq!(settled(&workflow([planning(), unfit()])).unwrap(), Some(PlanOutput::NotSuitable));
    assert_eq!(settled(&workflow([cancel()])).unwrap(), Some(PlanOutput::Cancelled));
    assert_eq!(settled(&workflow([planning(), proposed(), cancel()])).unwrap(), Some(PlanOutput::Cancelled));
    assert_eq!(settled(&workflow([cancel(), Event::Cancelled])).unwrap(), Some(PlanOutput::Cancelled));
    let failed = Event::Failed { failure: Failure::new(FailureKind::Internal, "x") };
    assert_eq!(settled(&workflow([failed])).unwrap_err().kind, FailureKind::Superseded);
}

#[test]
fn planning_starts_once_and_never_after_a_cancel() {
    assert_eq!(start(&workflow([])).unwrap(), Some(planning()));
    assert_eq!(start(&workflow([planning(), proposed()])).unwrap(), None);
    assert_eq!(start(&workflow([Event::CancelRequested { reason: String::new() }])).unwrap(), None);
}

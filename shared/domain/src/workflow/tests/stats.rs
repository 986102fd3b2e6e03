//! What a row keeps for figures.

use super::*;
use crate::state::WorkflowState as S;

/// Ten seconds go by before each event.
fn timed(workflow: Workflow, events: impl IntoIterator<Item = Event>) -> (Workflow, Vec<u64>) {
    let (mut workflow, mut expenses) = (workflow, Vec::new());
    for event in events {
        let now = Timestamp::from_second(workflow.updated_at.as_second() + 10).unwrap();
        let change = workflow.apply(event, Actor::system("test"), now).unwrap();
        expenses.extend(change.expense().map(|expense| expense.micro_usd));
        workflow = change.workflow;
    }
    (workflow, expenses)
}

#[test]
fn a_row_keeps_times_first_results_and_cost() {
    let story = Story::begin(RoundLimits::default());
    let (id, attempt, revision) = (story.workflow.id.clone(), Attempt::FIRST, Revision::FIRST);
    let usage = |micro_usd| Usage { micro_usd, ..Usage::default() };
    let gate = GateKind::Spec.gate_id(&id, 1).unwrap();
    let (kind, base_commit) = (GateKind::Spec, sha("a"));
    let ended = |attempt, micro_usd| Event::RunEnded {
        attempt,
        outcome: RunOutcome::Completed,
        usage: usage(micro_usd),
        isolation: vec![],
        refused_connections: 0,
        model: Some("model-a".to_owned()),
    };
    let events = [
        Event::PlanningStarted { revision },
        Event::SpecProposed {
            revision,
            spec_digest: Digest::of("spec"),
            base_commit: base_commit.clone(),
            usage: usage(5),
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: Some(Forecast::new(0.25, 4, "model-p")),
        },
        Event::GateOpened { gate: gate.clone(), kind, subject_digest: Digest::of("s"), due_at: Timestamp::UNIX_EPOCH },
        // It stays where it is, and goes on waiting.
        Event::GateExtended { gate: gate.clone(), kind, due_at: Timestamp::UNIX_EPOCH },
        Event::GateDecided { gate, kind, status: GateStatus::Approved, verdict: Verdict::Approve, comment: None },
        Event::RunPrepared { attempt, base_commit: base_commit.clone() },
        ended(attempt, 90),
        Event::AttemptFailed { attempt, reason: String::new(), violations: vec![] },
        Event::RunPrepared { attempt: attempt.next(), base_commit },
        ended(attempt.next(), 7),
        Event::ChangesVerified { attempt: attempt.next(), digest: Digest::of("c"), files: vec![], diff: None },
        Event::QaFinished {
            attempt: attempt.next(),
            passed: true,
            report: Digest::of("q"),
            blocking: vec![],
            findings: 0,
        },
    ];
    let (row, expenses) = timed(story.workflow, events);
    assert_eq!(expenses, [5, 90, 7]);
    let stats = &row.stats;
    let seconds = |state| stats.time_in(state).map(|ms| ms / 1_000);
    assert_eq!(stats.first_spec_ms, Some(20_000));
    assert_eq!(stats.responses_ms, [20_000]);
    assert_eq!(
        [S::Pending, S::Planning, S::AwaitingSpecApproval, S::SpecApproved, S::Executing, S::QaRunning].map(seconds),
        [Some(10), Some(20), Some(20), Some(10), Some(50), None]
    );
    assert_eq!(stats.entered_at.map(Timestamp::as_second), Some(110));
    assert_eq!(stats.first_pass, Some(false), "the second attempt passed, the first did not");
    assert_eq!((stats.spent_micro_usd, stats.agent_micro_usd), (102, 97));
    assert_eq!((stats.forecast.as_ref().unwrap().micro_usd, stats.agent_model.as_deref()), (250_000, Some("model-a")));
}

#[test]
fn a_forecast_is_a_number_whatever_a_model_wrote() {
    let cost = |usd: f64| Forecast::new(usd, 1, "m").micro_usd;
    assert_eq!([0.000_001, 1.5, -3.0, f64::NAN, f64::INFINITY].map(cost), [1, 1_500_000, 0, 0, u64::MAX]);
}

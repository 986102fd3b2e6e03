//! The paths.

use domain::gate::GateStatus::{Approved, Cancelled, Expired, Pending, Rejected, RevisionRequested};
use domain::ids::Attempt;
use domain::slot::SlotPool;
use domain::state::WorkflowState;
use domain::steps::{
    AmendOutput, CollectOutput, MergeOutput, PlanOutput, PrepareOutput, PublishOutput, SlotOutput, StepError,
};
use domain::workflow::ResumePoint;
use serde_json::json;

use crate::walk::{
    Case, Ending, Trouble, Visit, amend, case, close, collect_qa, collect_run, failing, finish, merge, pause, plan,
    plan_slot, pr_gate, prepare, publish, ready, release, run_agent, run_qa, run_slot, spec_gate, told, verified,
};

/// How often WaitForChecks is allowed between two gates.
const WAITS: usize = 315;

fn planned() -> Vec<Visit> {
    vec![plan_slot(SlotOutput::Acquired), plan(PlanOutput::SpecReady), release("ReleasePlanSlot", SlotPool::Plan)]
}

fn approved() -> Vec<Visit> {
    [planned(), vec![spec_gate(Approved), run_slot(SlotOutput::Acquired)]].concat()
}

fn built(attempt: u32) -> Vec<Visit> {
    vec![ready(attempt), run_agent(), collect_run(attempt, None, &verified(attempt)), run_qa()]
}

fn passed(attempt: u32) -> Vec<Visit> {
    let end = [collect_qa(attempt, None, &CollectOutput::Passed), release("ReleaseRunSlot", SlotPool::Run)];
    [built(attempt), end.to_vec(), vec![publish(PublishOutput::Published)]].concat()
}

fn published() -> Vec<Visit> {
    [approved(), passed(1)].concat()
}

fn happy() -> Vec<Visit> {
    [published(), vec![pr_gate(Approved, false, false), merge(MergeOutput::Merged)]].concat()
}

/// The agent of an attempt asks for more files.
fn asked(attempt: u32, answer: AmendOutput) -> Vec<Visit> {
    let asks = collect_run(attempt, None, &CollectOutput::ScopeChangeRequested);
    vec![ready(attempt), run_agent(), asks, amend(attempt, answer)]
}

/// The same, up to the people's decision.
fn amended(attempt: u32) -> Vec<Visit> {
    after(asked(attempt, AmendOutput::Amended), [release("ReleaseRunSlotToAsk", SlotPool::Run)])
}

fn after(start: Vec<Visit>, rest: impl IntoIterator<Item = Visit>) -> Vec<Visit> {
    start.into_iter().chain(rest).collect()
}

pub(crate) fn all() -> Vec<Case> {
    let mut all = vec![case("happy", happy(), WorkflowState::Completed)];
    all.extend(loops());
    all.extend(scope_changes());
    all.extend(resumptions());
    all.extend(ends());
    all.extend(sandbox_failures());
    all.extend(unknown_answers());
    all.extend(step_failures());
    all.extend(finish_failures());
    all
}

/// What an execution does first that resumes a workflow.
fn resumptions() -> Vec<Case> {
    let merged = || [pr_gate(Approved, false, false), merge(MergeOutput::Merged)];
    let slot = || run_slot(SlotOutput::Acquired);
    let checked = [
        collect_run(3, None, &verified(3)),
        run_qa(),
        collect_qa(3, None, &CollectOutput::Passed),
        release("ReleaseRunSlot", SlotPool::Run),
        publish(PublishOutput::Published),
    ];
    ResumePoint::ALL
        .map(|from| {
            let visits = match from {
                ResumePoint::Plan => happy(),
                ResumePoint::AskSpec => after([vec![spec_gate(Approved), slot()], passed(2)].concat(), merged()),
                ResumePoint::Run => after(after(vec![slot()], passed(2)), merged()),
                ResumePoint::Check => {
                    let verified = prepare(&PrepareOutput::Verified { attempt: Attempt::new(3) });
                    after(after(vec![slot(), verified], checked.clone()), merged())
                }
                ResumePoint::Publish => after(vec![publish(PublishOutput::Published)], merged()),
                ResumePoint::AskPr => merged().to_vec(),
            };
            let case = case(format!("resumed-{}", from.as_str()), visits, WorkflowState::Completed);
            Case { from: Some(from), ..case }
        })
        .into()
}

fn loops() -> Vec<Case> {
    let completed = WorkflowState::Completed;
    let merged = || [pr_gate(Approved, false, false), merge(MergeOutput::Merged)];
    let stale = [prepare(&PrepareOutput::Stale), release("ReleaseRunSlotToReplan", SlotPool::Run)];
    let again = collect_qa(1, None, &CollectOutput::Retry);
    let unverified = [ready(1), run_agent(), collect_run(1, None, &CollectOutput::Retry)];
    let waiting =
        |times: usize| std::iter::repeat_with(|| [merge(MergeOutput::Waiting), pause()]).take(times).flatten();
    let slot = || run_slot(SlotOutput::Acquired);
    vec![
        case(
            "spec-revised-twice",
            [planned(), vec![spec_gate(RevisionRequested)], planned(), vec![spec_gate(RevisionRequested)], happy()]
                .concat(),
            completed,
        ),
        case("spec-stale", [approved(), stale.to_vec(), happy()].concat(), completed),
        case(
            "repaired-after-verification",
            [approved(), unverified.to_vec(), passed(2), merged().to_vec()].concat(),
            completed,
        ),
        case(
            "repaired-after-qa",
            [approved(), built(1), vec![again], passed(2), merged().to_vec()].concat(),
            completed,
        ),
        case(
            "changes-requested",
            [published(), vec![pr_gate(RevisionRequested, false, true), slot()], passed(2), merged().to_vec()].concat(),
            completed,
        ),
        case(
            "merge-conflict",
            [
                published(),
                vec![pr_gate(Approved, false, false), merge(MergeOutput::Conflict), slot()],
                passed(2),
                merged().to_vec(),
            ]
            .concat(),
            completed,
        ),
        case(
            "merge-waits-for-checks",
            after(
                after(after(published(), [pr_gate(Approved, false, false)]), waiting(3)),
                [merge(MergeOutput::Merged)],
            ),
            completed,
        ),
        case(
            "merge-waits-too-long",
            after(
                after(after(published(), [pr_gate(Approved, false, false)]), waiting(WAITS)),
                [merge(MergeOutput::Waiting), close()],
            ),
            WorkflowState::PrClosed,
        ),
    ]
}

/// The agent asks for more files than the approved SPEC names.
fn scope_changes() -> Vec<Case> {
    let completed = WorkflowState::Completed;
    let merged = [pr_gate(Approved, false, false), merge(MergeOutput::Merged)].to_vec();
    let slot = || run_slot(SlotOutput::Acquired);
    let decided = |decision| [approved(), amended(1), vec![spec_gate(decision)]].concat();
    vec![
        case("scope-change-approved", [decided(Approved), vec![slot()], passed(2), merged.clone()].concat(), completed),
        case(
            "scope-change-approved-twice",
            [decided(Approved), vec![slot()], amended(2), vec![spec_gate(Approved), slot()], passed(3), merged.clone()]
                .concat(),
            completed,
        ),
        case("scope-change-planned-again", after(decided(RevisionRequested), happy()), completed),
        case("scope-change-rejected", after(decided(Rejected), [close()]), WorkflowState::SpecRejected),
        case("scope-change-expired", after(decided(Expired), [close()]), WorkflowState::SpecRejected),
        case("scope-change-cancelled-at-gate", after(decided(Cancelled), [close()]), WorkflowState::Cancelled),
        case(
            "scope-change-refused",
            [approved(), asked(1, AmendOutput::Retry), passed(2), merged.clone()].concat(),
            completed,
        ),
        case(
            "scope-change-refused-for-good",
            after(approved(), asked(1, AmendOutput::Failed)),
            WorkflowState::QaFailed,
        ),
        case(
            "scope-change-cancelled",
            [approved(), asked(1, AmendOutput::Cancelled), vec![close()]].concat(),
            WorkflowState::Cancelled,
        ),
        case(
            "scope-change-in-review",
            [
                published(),
                vec![pr_gate(RevisionRequested, false, true), slot()],
                amended(2),
                vec![spec_gate(Approved), slot()],
                passed(3),
                merged,
            ]
            .concat(),
            completed,
        ),
    ]
}

fn ends() -> Vec<Case> {
    let cancelled = WorkflowState::Cancelled;
    let spec_rejected = WorkflowState::SpecRejected;
    let closed = WorkflowState::PrClosed;
    let decided = |decision| after(planned(), [spec_gate(decision)]);
    let at_pr = |decision, settled, again| after(published(), [pr_gate(decision, settled, again)]);
    vec![
        case(
            "not-suitable",
            [plan_slot(SlotOutput::Acquired), plan(PlanOutput::NotSuitable), close()],
            WorkflowState::NotSuitable,
        ),
        case("spec-rejected", after(decided(Rejected), [close()]), spec_rejected),
        case("spec-expired", after(decided(Expired), [close()]), spec_rejected),
        case(
            "verification-failed",
            after(approved(), [ready(1), run_agent(), collect_run(1, None, &CollectOutput::Failed)]),
            WorkflowState::QaFailed,
        ),
        case(
            "qa-failed",
            after(after(approved(), built(1)), [collect_qa(1, None, &CollectOutput::Failed)]),
            WorkflowState::QaFailed,
        ),
        case("pr-rejected", after(at_pr(Rejected, false, false), [close()]), closed),
        case("pr-expired", after(at_pr(Expired, false, false), [close()]), closed),
        case("pr-no-round-left", after(at_pr(RevisionRequested, false, false), [close()]), closed),
        case("pr-merged-at-host", at_pr(Approved, true, false), WorkflowState::Completed),
        case("pr-closed-at-host", at_pr(Rejected, true, false), closed),
        case("pr-closed-while-merging", after(at_pr(Approved, false, false), [merge(MergeOutput::Closed)]), closed),
        case("cancelled-waiting-to-plan", [plan_slot(SlotOutput::Cancelled), close()], cancelled),
        case("cancelled-planning", [plan_slot(SlotOutput::Acquired), plan(PlanOutput::Cancelled), close()], cancelled),
        case("cancelled-at-spec", after(decided(Cancelled), [close()]), cancelled),
        case(
            "cancelled-waiting-to-run",
            after(decided(Approved), [run_slot(SlotOutput::Cancelled), close()]),
            cancelled,
        ),
        case("cancelled-preparing", after(approved(), [prepare(&PrepareOutput::Cancelled), close()]), cancelled),
        case(
            "cancelled-running",
            after(
                approved(),
                [
                    ready(1),
                    run_agent().fails("States.TaskFailed", 1),
                    collect_run(1, Some(told("States.TaskFailed")), &CollectOutput::Cancelled),
                    close(),
                ],
            ),
            cancelled,
        ),
        case(
            "cancelled-in-qa",
            after(after(approved(), built(1)), [collect_qa(1, None, &CollectOutput::Cancelled), close()]),
            cancelled,
        ),
        case(
            "cancelled-publishing",
            [
                approved(),
                built(1),
                vec![collect_qa(1, None, &CollectOutput::Passed), release("ReleaseRunSlot", SlotPool::Run)],
                vec![publish(PublishOutput::Cancelled), close()],
            ]
            .concat(),
            cancelled,
        ),
        case("cancelled-at-pr", after(at_pr(Cancelled, false, false), [close()]), cancelled),
    ]
}

/// A sandbox that failed is judged by its collector; one that never started is started again.
fn sandbox_failures() -> Vec<Case> {
    let completed = WorkflowState::Completed;
    let merged = [pr_gate(Approved, false, false), merge(MergeOutput::Merged)].to_vec();
    [("States.TaskFailed", 1), ("States.Timeout", 1), ("ECS.AmazonECSException", 6), ("AmazonECS.Unknown", 6)]
        .into_iter()
        .flat_map(|(error, tries)| {
            let agent =
                [ready(1), run_agent().fails(error, tries), collect_run(1, Some(told(error)), &CollectOutput::Retry)];
            let qa = [
                ready(1),
                run_agent(),
                collect_run(1, None, &verified(1)),
                run_qa().fails(error, tries),
                collect_qa(1, Some(told(error)), &CollectOutput::Retry),
            ];
            // The second attempt's collectors must not be told the first one's error.
            [
                case(
                    format!("agent-{error}"),
                    [approved(), agent.to_vec(), passed(2), merged.clone()].concat(),
                    completed,
                ),
                case(format!("qa-{error}"), [approved(), qa.to_vec(), passed(2), merged.clone()].concat(), completed),
            ]
        })
        .collect()
}

/// What no version of a step should answer ends the workflow with an error instead of a guess.
fn unknown_answers() -> Vec<Case> {
    let unknown = |name: &str, visits: Vec<Visit>, answer: &str| {
        let cause = format!(
            "A step gave an answer that the state machine does not know: `{answer}`. \
             The workflow was ended; nothing more was published."
        );
        let error = StepError { error: "Inconsistent".to_owned(), cause };
        let mut case = case(name, visits, WorkflowState::Error);
        case.visits.pop();
        let output = domain::steps::FinishOutput { state: WorkflowState::Error };
        case.visits.push(finish(name, Some(error), Ok(&output)));
        case.ending = Ending::Failed { error: "Inconsistent".to_owned() };
        case
    };
    let odd = |visit: Visit| visit.answers(json!({"outcome": "odd"}));
    vec![
        unknown("unknown-plan", vec![plan_slot(SlotOutput::Acquired), odd(plan(PlanOutput::SpecReady))], "odd"),
        unknown("unknown-decision", after(planned(), [spec_gate(Pending)]), "PENDING"),
        unknown("unknown-prepare", after(approved(), [odd(ready(1))]), "odd"),
        unknown(
            "unknown-collect",
            after(approved(), [ready(1), run_agent(), collect_run(1, None, &CollectOutput::Passed)]),
            "passed",
        ),
        unknown(
            "unknown-amendment",
            after(
                approved(),
                asked(1, AmendOutput::Amended).into_iter().map(|visit| match visit.state {
                    "AmendSpec" => odd(visit),
                    _ => visit,
                }),
            ),
            "odd",
        ),
        unknown("unknown-qa", after(after(approved(), built(1)), [collect_qa(1, None, &verified(1))]), "verified"),
        unknown("unknown-pr", after(published(), [pr_gate(Pending, false, false)]), "PENDING"),
        unknown(
            "unknown-merge",
            after(published(), [pr_gate(Approved, false, false), odd(merge(MergeOutput::Merged))]),
            "odd",
        ),
    ]
}

/// Every step fails once at its first visit on these paths: for good, and until its retries are used up.
fn step_failures() -> Vec<Case> {
    let replanned =
        after(approved(), [prepare(&PrepareOutput::Stale), release("ReleaseRunSlotToReplan", SlotPool::Run)]);
    let closed = after(published(), [pr_gate(Rejected, false, false), close()]);
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for path in [happy(), replanned, closed, after(approved(), amended(1))] {
        for (n, visit) in path.iter().enumerate() {
            if seen.contains(&visit.state) || matches!(visit.state, "RunAgent" | "RunQa") {
                continue;
            }
            seen.push(visit.state);
            for (error, tries) in [("Internal", 1), ("Transient", 7), ("Sandbox.Timedout", 3), ("States.Timeout", 1)] {
                let visits = after(path[..n].to_vec(), [visit.clone().fails(error, tries)]);
                all.push(failing(format!("{}-{error}", visit.state), visits));
            }
        }
    }
    all
}

/// When not even the end works, the execution fails under a name of its own, also after another error.
fn finish_failures() -> Vec<Case> {
    let lasting = |name: &str, visits: Vec<Visit>, error| Case {
        name: name.to_owned(),
        from: None,
        visits: after(visits, [finish(name, error, Err(Trouble { error: "Internal", tries: 11 }))]),
        ending: Ending::Failed { error: "FinishFailed".to_owned() },
    };
    let after_error = [plan_slot(SlotOutput::Acquired), plan(PlanOutput::SpecReady).fails("ModelUnavailable", 1)];
    vec![
        lasting("finish-fails", vec![plan_slot(SlotOutput::Cancelled), close()], None),
        lasting("finish-fails-after-an-error", after_error.to_vec(), Some(told("ModelUnavailable"))),
    ]
}

//! After a run.

use domain::Digest;
use domain::WorkflowState;
use domain::diff::{ChangeDiff, DiffBody};
use domain::failure::FailureKind;
use domain::ids::{Attempt, WorkflowId};
use domain::qa::QaReport;
use domain::spec::FileAction;
use domain::steps::CollectOutput;
use domain::task::{RunOutcome, RunReport, Task};
use domain::workflow::Event;
use store::keys;
use testkit::archive::{File, pack};
use testkit::sample::{self, ticket};

use crate::desk::{Desk, SCOPE, Sandbox, get, put};

const GOOD: File<'_> = File { path: "src/app.js", text: "two\n", existed: true };
const STRAY: File<'_> = File { path: "src/backdoor.js", text: "evil\n", existed: false };

async fn running(desk: &Desk, scope: &[(&str, FileAction)]) -> (WorkflowId, Sandbox) {
    let id = desk.world.approved(&ticket("FL-1"), &desk.host.first, scope).await.id;
    let sandbox = desk.agent(&id).await;
    (id, sandbox)
}

/// A workflow whose change set is verified, and its second sandbox.
async fn testing(desk: &Desk) -> (WorkflowId, Sandbox) {
    let (id, agent) = running(desk, SCOPE).await;
    let sandbox = desk.second(&agent, pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD])).await;
    (id, sandbox)
}

async fn verified(desk: &Desk, id: &WorkflowId, attempt: Attempt) -> Option<Vec<u8>> {
    desk.world.objects.try_get(&keys::objects::verified(id, attempt), 1 << 20).await.unwrap()
}

#[tokio::test]
async fn a_change_within_the_spec_is_stored_as_verified_and_tested() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk, SCOPE).await;
    let archive = pack(&id, Attempt::FIRST, &desk.run_base(&id).await, &[GOOD]);
    sandbox.deliver(archive.clone()).await;
    let output = desk.collect_run(&id, Attempt::FIRST).await.unwrap();
    let CollectOutput::Verified { attempt: Attempt::FIRST, task_url } = &output else { panic!("{output:?}") };
    assert_eq!(verified(&desk, &id, Attempt::FIRST).await.as_ref(), Some(&archive));
    let after = desk.world.workflow(&id).await;
    assert_eq!((after.state, after.ledger.build.turns), (WorkflowState::QaRunning, 1));
    assert_eq!(after.changes.unwrap().digest, Digest::of(&archive));

    let trail = desk.world.store.audit_trail(&id).await.unwrap();
    let told = trail.iter().find_map(|entry| match &entry.event {
        Event::ChangesVerified { diff, .. } => *diff,
        _ => None,
    });
    let diff = desk.world.objects.try_get(&keys::objects::diff(&id, Attempt::FIRST), 1 << 20).await.unwrap().unwrap();
    assert_eq!(told, Some(Digest::of(&diff)), "what people read is what was checked");
    let diff: ChangeDiff = serde_json::from_slice(&diff).unwrap();
    assert_eq!((diff.change_set, diff.files.len()), (Digest::of(&archive), 1));
    let DiffBody::Lines { hunks, omitted: 0 } = &diff.files[0].body else { panic!("{diff:?}") };
    assert!(hunks[0].lines.iter().any(|line| line.starts_with('-')), "{hunks:?}");

    let second = Sandbox::start(task_url).await;
    let changes = &second.qa().changes;
    assert_eq!((get(&changes.url).await, changes.digest), (archive.clone(), Digest::of(&archive)));
    assert_eq!(second.task.workspace.digest, sandbox.task.workspace.digest, "both start from one tree");

    let before = desk.world.everything().await;
    let again = desk.collect_run(&id, Attempt::FIRST).await.unwrap();
    assert!(matches!(again, CollectOutput::Verified { .. }));
    assert_eq!(desk.world.everything().await, before);
}

#[tokio::test]
async fn a_change_outside_the_spec_goes_back_to_the_agent_and_is_never_published() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk, SCOPE).await;
    sandbox.deliver(pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD, STRAY])).await;
    assert_eq!(desk.collect_run(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Retry);
    assert_eq!(verified(&desk, &id, Attempt::FIRST).await, None);
    let after = desk.world.workflow(&id).await;
    assert_eq!((after.state, after.attempt.get(), after.changes), (WorkflowState::Executing, 2, None));
    assert!(after.run_feedback.unwrap().contains("src/backdoor.js"));
    assert_eq!(desk.collect_run(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Retry, "asked again");

    for attempt in [2, 3].map(Attempt::new) {
        let sandbox = desk.agent(&id).await;
        assert!(sandbox.agent().feedback.as_ref().unwrap().contains("src/backdoor.js"));
        sandbox.deliver(pack(&id, attempt, &desk.host.first, &[GOOD, STRAY])).await;
        let last = attempt.get() == 3;
        let expected = if last { CollectOutput::Failed } else { CollectOutput::Retry };
        assert_eq!(desk.collect_run(&id, attempt).await.unwrap(), expected);
    }
    assert_eq!(desk.world.workflow(&id).await.state, WorkflowState::QaFailed);
}

#[tokio::test]
async fn the_same_change_passes_under_a_spec_that_names_it() {
    let desk = Desk::start().await;
    let scope = [("src/app.js", FileAction::Modify), ("src/backdoor.js", FileAction::Create)];
    let (id, sandbox) = running(&desk, &scope).await;
    sandbox.deliver(pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD, STRAY])).await;
    let output = desk.collect_run(&id, Attempt::FIRST).await.unwrap();
    assert!(matches!(output, CollectOutput::Verified { .. }), "{output:?}");
}

#[tokio::test]
async fn what_is_not_the_runs_own_whole_change_set_is_refused() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk, SCOPE).await;
    let good = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD]);
    let other = "wf-00000000000000000000-1".parse().unwrap();
    let foreign = pack(&other, Attempt::FIRST, &desk.host.first, &[GOOD]);
    let completed = sandbox.report(RunOutcome::Completed);
    let base = desk.world.workflow(&id).await;

    for (n, (archive, told)) in [
        (Some(foreign.clone()), Some(Digest::of(&foreign))),
        (Some(good[..good.len() / 2].to_vec()), Some(Digest::of(&good[..good.len() / 2]))),
        (Some(good.clone()), Some(Digest::of("another"))),
    ]
    .into_iter()
    .enumerate()
    {
        let attempt = Attempt::new(u32::try_from(n).unwrap() + 1);
        let sandbox = if n == 0 { Sandbox { task: sandbox.task.clone() } } else { desk.agent(&id).await };
        assert_eq!(put(&sandbox.agent().changes_url, archive.unwrap()).await, 200);
        sandbox.send(&RunReport { changes: told, attempt, ..completed.clone() }).await;
        let output = desk.collect_run(&id, attempt).await.unwrap();
        assert!(matches!(output, CollectOutput::Retry | CollectOutput::Failed), "{n}: {output:?}");
        assert_eq!(verified(&desk, &id, attempt).await, None);
    }
    assert_eq!(base.repairs, 0);
    assert_eq!(desk.world.workflow(&id).await.state, WorkflowState::QaFailed);
}

#[tokio::test]
async fn a_missing_report_or_one_of_another_attempt_is_a_failed_attempt() {
    let desk = Desk::start().await;
    let (id, first) = running(&desk, SCOPE).await;
    assert_eq!(desk.collect_run(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Retry);
    let after = desk.world.workflow(&id).await;
    assert!(after.run_feedback.unwrap().contains("without a report (States.TaskFailed)"));

    let second = desk.agent(&id).await;
    second.send(&first.report(RunOutcome::Completed)).await;
    assert_eq!(desk.collect_run(&id, Attempt::new(2)).await.unwrap(), CollectOutput::Retry);
    assert!(desk.world.workflow(&id).await.run_feedback.unwrap().contains("without a report"));
}

#[tokio::test]
async fn a_run_that_no_other_attempt_mends_ends_by_kind() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk, SCOPE).await;
    for (outcome, kind) in [
        (RunOutcome::BudgetExceeded { limit: "turns".to_owned() }, FailureKind::BudgetExceeded),
        (RunOutcome::ModelFailed { message: "529".to_owned() }, FailureKind::ModelUnavailable),
    ] {
        sandbox.send(&sandbox.report(outcome)).await;
        assert_eq!(desk.collect_run(&id, Attempt::FIRST).await.unwrap_err().kind, kind);
    }
    let ended = desk.world.trail(&id).await.iter().filter(|event| *event == "run_ended").count();
    assert_eq!(ended, 1, "what the run cost counts once");
}

fn qa(sandbox: &Sandbox, code: i32, change_set: Digest) -> QaReport {
    let mut gate = sample::gate_result("unit tests", code);
    "1 test failed".clone_into(&mut gate.result.output);
    let Task { workflow_id, attempt, base_commit, .. } = &sandbox.task;
    QaReport { gates: vec![gate], ..sample::qa_of(workflow_id, *attempt, base_commit, change_set) }
}

/// Uploads a QA report and says so.
async fn test(sandbox: &Sandbox, report: &QaReport) -> Digest {
    let bytes = serde_json::to_vec(report).unwrap();
    let digest = Digest::of(&bytes);
    assert_eq!(put(&sandbox.qa().qa_json_url, bytes).await, 200);
    sandbox.send(&RunReport { qa_report: Some(digest), ..sandbox.report(RunOutcome::Completed) }).await;
    digest
}

#[tokio::test]
async fn a_change_that_passed_its_gates_may_be_published() {
    let desk = Desk::start().await;
    let (id, sandbox) = testing(&desk).await;
    let digest = test(&sandbox, &qa(&sandbox, 0, sandbox.qa().changes.digest)).await;
    for _ in 0..2 {
        assert_eq!(desk.collect_qa(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Passed);
    }
    let after = desk.world.workflow(&id).await;
    let report = after.qa.unwrap();
    assert_eq!((after.state, report.passed, report.report), (WorkflowState::QaRunning, true, digest));
}

#[tokio::test]
async fn a_failed_gate_goes_back_to_the_agent_with_its_output() {
    let desk = Desk::start().await;
    let (id, sandbox) = testing(&desk).await;
    test(&sandbox, &qa(&sandbox, 1, sandbox.qa().changes.digest)).await;
    assert_eq!(desk.collect_qa(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Retry);
    let next = desk.agent(&id).await;
    assert!(next.agent().feedback.as_ref().unwrap().contains("1 test failed"));
    assert!(next.agent().previous_changes.is_some(), "it goes on from where it was");
}

#[tokio::test]
async fn a_good_report_on_another_change_set_counts_for_nothing() {
    let desk = Desk::start().await;
    let (id, sandbox) = testing(&desk).await;
    test(&sandbox, &qa(&sandbox, 0, Digest::of("another"))).await;
    assert_eq!(desk.collect_qa(&id, Attempt::FIRST).await.unwrap(), CollectOutput::Retry);
    assert!(desk.world.workflow(&id).await.qa.is_none());
}

#[tokio::test]
async fn the_second_sandbox_knows_what_was_approved_and_whether_a_bug_is_to_be_proven() {
    for (labels, bug) in [(vec!["api", "Bug"], true), (vec!["debug"], false)] {
        let desk = Desk::start().await;
        let mut ticket = ticket("FL-1");
        ticket.labels = labels.into_iter().map(str::to_owned).collect();
        let id = desk.world.approved(&ticket, &desk.host.first, SCOPE).await.id;
        let agent = desk.agent(&id).await;
        let second = desk.second(&agent, pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD])).await;
        let files: Vec<_> = second.qa().files.iter().map(|file| (file.path.as_str(), file.action)).collect();
        assert_eq!((files.as_slice(), second.qa().bug), (SCOPE, bug));
    }
}

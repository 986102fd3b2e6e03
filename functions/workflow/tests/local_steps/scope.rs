//! The agent asks for more files.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::gate::{GateKind, GateStatus, Verdict};
use domain::ids::{Attempt, Revision, WorkflowId};
use domain::spec::{FileAction, Spec};
use domain::steps::{AmendOutput, CollectOutput, PrepareOutput};
use domain::task::{RunOutcome, RunReport};
use domain::workflow::{Event, RoundLimits, Workflow};
use domain::{Digest, Timestamp};
use store::keys::objects;
use testkit::archive::{File, pack};
use testkit::sample::ticket;

use crate::desk::{Desk, SCOPE, Sandbox, get, put};

const GOOD: File<'_> = File { path: "src/app.js", text: "two\n", existed: true };
const STRAY: File<'_> = File { path: "src/backdoor.js", text: "evil\n", existed: false };

async fn running(desk: &Desk) -> (WorkflowId, Sandbox) {
    let id = desk.approved().await.id;
    let sandbox = desk.agent(&id).await;
    (id, sandbox)
}

/// Uploads a change set and asks for files.
async fn ask(sandbox: &Sandbox, archive: Option<Vec<u8>>, paths: &[&str]) {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let outcome = RunOutcome::ScopeChangeRequested { paths, reason: "It is called there.".to_owned() };
    let changes = archive.as_ref().map(Digest::of);
    if let Some(archive) = archive {
        assert_eq!(put(&sandbox.agent().changes_url, archive).await, 200);
    }
    sandbox.send(&RunReport { changes, ..sandbox.report(outcome) }).await;
}

/// Collects and amends, each twice: a lost answer changes nothing.
async fn amend(desk: &Desk, id: &WorkflowId, attempt: Attempt) -> AmendOutput {
    for _ in 0..2 {
        let collected = desk.collect_run(id, attempt).await.unwrap();
        assert_eq!(collected, CollectOutput::ScopeChangeRequested);
    }
    let output = desk.amend(id, attempt).await.unwrap();
    let before = desk.world.everything().await;
    assert_eq!(desk.amend(id, attempt).await.unwrap(), output);
    assert_eq!(desk.world.everything().await, before);
    output
}

async fn stored(desk: &Desk, id: &WorkflowId, revision: u32) -> (Spec, String) {
    let revision = Revision::new(revision);
    let json = desk.world.objects.get(&objects::spec_json(id, revision), 1 << 20).await.unwrap();
    let markdown = desk.world.objects.get(&objects::spec_markdown(id, revision), 1 << 20).await.unwrap();
    (serde_json::from_slice(&json).unwrap(), String::from_utf8(markdown).unwrap())
}

/// People decide at the gate, which stands in the workflow's history only.
async fn decided(desk: &Desk, id: &WorkflowId, status: GateStatus, verdict: Verdict) -> Workflow {
    let workflow = desk.world.workflow(id).await;
    let gate = GateKind::Spec.gate_id(id, workflow.spec_gates + 1).unwrap();
    let (kind, subject_digest, due_at) = (GateKind::Spec, Digest::of("subject"), Timestamp::UNIX_EPOCH);
    let comment = Some("Plan it with the clock.".to_owned());
    let opened = Event::GateOpened { gate: gate.clone(), kind, subject_digest, due_at };
    desk.world.tell(id, [opened, Event::GateDecided { gate, kind, status, verdict, comment }]).await
}

#[tokio::test]
async fn a_request_becomes_an_amendment_and_the_next_run_goes_on_with_what_was_done() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk).await;
    let archive = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD]);
    ask(&sandbox, Some(archive.clone()), &["src/clock.js", "README.md", "../x", "src/app.js"]).await;
    assert_eq!(amend(&desk, &id, Attempt::FIRST).await, AmendOutput::Amended);

    let after = desk.world.workflow(&id).await;
    let approved = desk.world.trail(&id).await;
    assert_eq!(approved[approved.len() - 2..], ["run_ended", "scope_change_proposed"]);
    assert_eq!((after.state, after.attempt.get(), after.revision.get()), (WorkflowState::Executing, 2, 2));
    assert_eq!((after.repairs, after.ledger.build.turns, after.scope_changes), (0, 1, 1));
    let (spec, markdown) = stored(&desk, &id, 2).await;
    let reference = after.spec.clone().unwrap();
    assert_eq!((reference.digest, reference.approved), (spec.digest().unwrap(), false));
    let scope: Vec<_> = spec.scope().into_iter().map(|(path, action)| (path.as_str(), action)).collect();
    let expected =
        [("README.md", FileAction::Modify), ("src/app.js", FileAction::Modify), ("src/clock.js", FileAction::Create)];
    assert_eq!(scope, expected);
    let amendment = markdown.find("## Amendment of revision 1: 2 more files").unwrap();
    assert!(amendment < markdown.find("## Problem").unwrap() && markdown.contains("> It is called there."));

    // Nothing runs by it before people have decided.
    assert_eq!(desk.prepare(&id).await.unwrap_err().kind, FailureKind::Inconsistent);

    decided(&desk, &id, GateStatus::Approved, Verdict::Approve).await;
    let sandbox = desk.agent(&id).await;
    let work = sandbox.agent();
    assert_eq!((sandbox.task.attempt.get(), work.spec_digest), (2, spec.digest().unwrap()));
    assert_eq!(get(&work.previous_changes.as_ref().unwrap().url).await, archive);
    insta::assert_snapshot!(work.feedback.as_ref().unwrap(), @r"
    You asked for more files, and people approved these, which the SPEC names now:
    - `README.md` (modify)
    - `src/clock.js` (create)
    These stay out of bounds, and nobody was asked about them:
    - `../x`: it is absolute or has an empty, `.` or `..` component; give an exact path from the root
    - `src/app.js`: the approved SPEC names it already, to modify it: no request is needed
    What was changed within the approved files is kept.
    Finish the work.
    ");

    let readme = File { path: "README.md", text: "# Web, once more\n", existed: true };
    sandbox.deliver(pack(&id, Attempt::new(2), &desk.host.first, &[GOOD, readme])).await;
    let output = desk.collect_run(&id, Attempt::new(2)).await.unwrap();
    assert!(matches!(output, CollectOutput::Verified { .. }), "{output:?}");
}

/// A run that changed what it may, asked for the README, and got it.
async fn readme_approved(desk: &Desk) -> WorkflowId {
    let (id, sandbox) = running(desk).await;
    let archive = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD]);
    ask(&sandbox, Some(archive), &["README.md"]).await;
    assert_eq!(amend(desk, &id, Attempt::FIRST).await, AmendOutput::Amended);
    decided(desk, &id, GateStatus::Approved, Verdict::Approve).await;
    id
}

#[tokio::test]
async fn what_was_done_is_kept_while_the_branch_moves_elsewhere() {
    let desk = Desk::start().await;
    let id = readme_approved(&desk).await;
    let head = desk.host.push("main", "docs/new.md", "new\n").await;
    let sandbox = desk.agent(&id).await;
    assert_eq!(sandbox.task.base_commit, head);
    assert!(sandbox.agent().previous_changes.is_some());
}

#[tokio::test]
async fn an_added_file_that_changed_while_people_thought_sends_it_back_to_planning() {
    let desk = Desk::start().await;
    let id = readme_approved(&desk).await;
    desk.host.push("main", "README.md", "# Another\n").await;
    assert_eq!(desk.prepare(&id).await.unwrap(), PrepareOutput::Stale);
    let after = desk.world.workflow(&id).await;
    assert_eq!((after.state, after.changes, after.attempt.get()), (WorkflowState::Planning, None, 2));
}

#[tokio::test]
async fn a_request_that_nobody_can_decide_on_goes_back_to_the_agent() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk).await;
    let archive = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD]);
    let paths = ["../secrets", "src/app.js", ".github/workflows/ci.yml", "src"];
    ask(&sandbox, Some(archive.clone()), &paths).await;
    assert_eq!(amend(&desk, &id, Attempt::FIRST).await, AmendOutput::Retry);
    let after = desk.world.workflow(&id).await;
    assert_eq!((after.state, after.attempt.get(), after.revision), (WorkflowState::Executing, 2, Revision::FIRST));
    assert_eq!((after.repairs, after.scope_changes, after.spec_gates), (1, 0, 1), "no person was asked");
    assert_eq!(desk.world.trail(&id).await.last().unwrap(), "scope_change_refused");
    assert!(desk.world.objects.try_get(&objects::spec_json(&id, Revision::new(2)), 10).await.unwrap().is_none());

    let sandbox = desk.agent(&id).await;
    assert_eq!(get(&sandbox.agent().previous_changes.as_ref().unwrap().url).await, archive);
    insta::assert_snapshot!(sandbox.agent().feedback.as_ref().unwrap(), @r"
    The request for more files was refused, and nobody was asked:
    - `../secrets`: it is absolute or has an empty, `.` or `..` component; give an exact path from the root
    - `src/app.js`: the approved SPEC names it already, to modify it: no request is needed
    - `.github/workflows/ci.yml`: it is under `.github/workflows`, which this deployment does not allow any SPEC to change
    - `src`: it is a folder; ask for the exact files in it
    What was changed within the approved files is kept.
    Solve the task within the files that the SPEC names, or ask for others by their exact paths.
    ");
    for attempt in [2, 3].map(Attempt::new) {
        let sandbox = if attempt.get() == 2 { Sandbox { task: sandbox.task.clone() } } else { desk.agent(&id).await };
        ask(&sandbox, None, &["../secrets"]).await;
        assert_eq!(desk.collect_run(&id, attempt).await.unwrap(), CollectOutput::ScopeChangeRequested);
        let expected = if attempt.get() == 3 { AmendOutput::Failed } else { AmendOutput::Retry };
        assert_eq!(desk.amend(&id, attempt).await.unwrap(), expected);
    }
    assert_eq!(desk.world.workflow(&id).await.state, WorkflowState::QaFailed);
}

#[tokio::test]
async fn people_are_asked_only_as_often_as_the_limit_says() {
    let desk = Desk::start().await;
    let limits = RoundLimits { scope_changes: 1, ..RoundLimits::default() };
    let workflow = desk.world.begin_with(&ticket("FL-1"), limits).await;
    let id = desk.world.plan(&workflow, &desk.host.first, SCOPE).await.id;
    decided(&desk, &id, GateStatus::Approved, Verdict::Approve).await;
    let first = desk.agent(&id).await;
    ask(&first, None, &["README.md"]).await;
    assert_eq!(amend(&desk, &id, Attempt::FIRST).await, AmendOutput::Amended);
    decided(&desk, &id, GateStatus::Approved, Verdict::Approve).await;
    let second = desk.agent(&id).await;
    ask(&second, None, &["src/clock.js"]).await;
    assert_eq!(amend(&desk, &id, Attempt::new(2)).await, AmendOutput::Retry);
    let after = desk.world.workflow(&id).await;
    assert_eq!((after.revision.get(), after.spec_gates), (2, 2));
    let feedback = after.run_feedback.unwrap();
    assert!(feedback.contains("asked once already") && feedback.contains("src/clock.js"), "{feedback}");
}

#[tokio::test]
async fn what_breaks_the_approved_spec_is_not_carried_into_the_next_run() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk).await;
    // It wrote the file that it asks for already: the people's yes is for what comes, not for what was done without it.
    let archive = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD, STRAY]);
    ask(&sandbox, Some(archive), &[STRAY.path]).await;
    assert_eq!(amend(&desk, &id, Attempt::FIRST).await, AmendOutput::Amended);
    decided(&desk, &id, GateStatus::Approved, Verdict::Approve).await;
    let sandbox = desk.agent(&id).await;
    assert!(sandbox.agent().previous_changes.is_none());
    let feedback = sandbox.agent().feedback.as_ref().unwrap();
    assert!(feedback.contains("not kept") && feedback.contains("does not name it"), "{feedback}");
}

#[tokio::test]
async fn what_people_send_back_is_planned_anew_without_the_agents_work() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk).await;
    let archive = pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD]);
    ask(&sandbox, Some(archive), &["README.md"]).await;
    assert_eq!(amend(&desk, &id, Attempt::FIRST).await, AmendOutput::Amended);
    let after = decided(&desk, &id, GateStatus::RevisionRequested, Verdict::Revise).await;
    assert_eq!(after.plan_feedback.as_deref(), Some("Plan it with the clock."));
    desk.world.plan(&after, &desk.host.first, SCOPE).await;
    decided(&desk, &id, GateStatus::Approved, Verdict::Approve).await;
    let sandbox = desk.agent(&id).await;
    assert_eq!((sandbox.task.attempt.get(), sandbox.agent().spec.revision.get()), (2, 3));
    assert!(sandbox.agent().previous_changes.is_none() && sandbox.agent().feedback.is_none());
}

#[tokio::test]
async fn a_cancelled_workflow_asks_nobody() {
    let desk = Desk::start().await;
    let (id, sandbox) = running(&desk).await;
    ask(&sandbox, None, &["README.md"]).await;
    assert_eq!(desk.collect_run(&id, Attempt::FIRST).await.unwrap(), CollectOutput::ScopeChangeRequested);
    desk.world.tell(&id, [Event::CancelRequested { reason: "no longer wanted".to_owned() }]).await;
    let before = desk.world.everything().await;
    assert_eq!(desk.amend(&id, Attempt::FIRST).await.unwrap(), AmendOutput::Cancelled);
    assert_eq!(desk.world.everything().await, before);
}

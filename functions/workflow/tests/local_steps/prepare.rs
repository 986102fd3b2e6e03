//! Before a run.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::ids::Attempt;
use domain::steps::PrepareOutput;
use domain::workflow::Event;
use store::keys;
use testkit::sample::ticket;

use crate::desk::{Desk, SCOPE, Sandbox, get, put};

async fn ready(desk: &Desk, id: &domain::ids::WorkflowId) -> Sandbox {
    let PrepareOutput::Ready { attempt, task_url } = desk.prepare(id).await.unwrap() else { panic!("not ready") };
    assert_eq!(attempt, Attempt::FIRST);
    Sandbox::start(&task_url).await
}

#[tokio::test]
async fn a_run_is_given_the_tree_the_spec_and_addresses_for_nothing_else() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    let sandbox = ready(&desk, &workflow.id).await;
    let task = &sandbox.task;
    assert_eq!((&task.base_commit, task.limits.total_seconds), (&desk.host.first, 600));
    assert_eq!(sandbox.workspace().await, ["README.md", "src/app.js"].map(str::to_owned).into());
    let work = sandbox.agent();
    assert_eq!((work.spec_digest, work.spec.scope().len()), (workflow.spec.unwrap().digest, 1));
    assert_eq!(work.budget.max_turns, 10);
    assert_eq!(desk.world.workflow(&workflow.id).await.state, WorkflowState::Executing);

    // The address is for one object: not for the one that is published from.
    let own = keys::objects::changes(&workflow.id, Attempt::FIRST);
    let verified = keys::objects::verified(&workflow.id, Attempt::FIRST);
    assert!(work.changes_url.contains(&own));
    assert_eq!(put(&work.changes_url.replace(&own, &verified), b"x".to_vec()).await, 403);
    assert_eq!(put(&work.changes_url, b"x".to_vec()).await, 200);
    assert_eq!(desk.world.objects.try_get(&verified, 10).await.unwrap(), None);
    assert_eq!(put(work.changes_url.split('?').next().unwrap(), b"x".to_vec()).await, 403, "without a signature");
}

#[tokio::test]
async fn preparing_again_changes_no_row() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    ready(&desk, &workflow.id).await;
    let before = desk.world.everything().await;
    ready(&desk, &workflow.id).await;
    assert_eq!(desk.world.everything().await, before);
}

#[tokio::test]
async fn a_spec_holds_while_nothing_that_it_names_changes() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    let head = desk.host.push("main", "docs/new.md", "new\n").await;
    let sandbox = ready(&desk, &workflow.id).await;
    assert_eq!(sandbox.task.base_commit, head, "it starts from the branch as it is now");
    let bytes = get(&sandbox.task.workspace.url).await;
    assert!(!bytes.is_empty());
}

#[tokio::test]
async fn a_spec_whose_files_or_ticket_changed_is_planned_again() {
    let desk = Desk::start().await;
    let changed = desk.approved().await;
    desk.host.push("main", "src/app.js", "another\n").await;
    let reworded = desk.world.approved(&ticket("FL-2"), &desk.host.first, SCOPE).await;
    let digest = domain::Digest::of("other words");
    desk.world.tell(&reworded.id, [Event::TicketUpdated { ticket_version: 2, ticket_digest: digest }]).await;
    for (id, reason) in [(&changed.id, "src/app.js"), (&reworded.id, "text changed")] {
        for _ in 0..2 {
            assert_eq!(desk.prepare(id).await.unwrap(), PrepareOutput::Stale);
        }
        let after = desk.world.workflow(id).await;
        assert_eq!((after.state, after.revision.get()), (WorkflowState::Planning, 2));
        assert!(after.plan_feedback.unwrap().contains(reason));
    }
}

#[tokio::test]
async fn a_stored_spec_that_is_not_the_approved_one_starts_nothing() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    let key = keys::objects::spec_json(&workflow.id, workflow.revision);
    let text = String::from_utf8(desk.world.objects.get(&key, 1 << 20).await.unwrap()).unwrap();
    let forged = text.replace("src/app.js", "src/pay.js");
    assert_ne!(forged, text);
    desk.world.objects.put(&key, forged, "application/json").await.unwrap();
    assert_eq!(desk.prepare(&workflow.id).await.unwrap_err().kind, FailureKind::Inconsistent);
    assert_eq!(desk.world.workflow(&workflow.id).await.state, WorkflowState::SpecApproved);

    desk.world.objects.put(&key, text, "application/json").await.unwrap();
    ready(&desk, &workflow.id).await;
}

#[tokio::test]
async fn a_cancelled_workflow_starts_nothing() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    desk.world.tell(&workflow.id, [Event::CancelRequested { reason: "not wanted".to_owned() }]).await;
    assert_eq!(desk.prepare(&workflow.id).await.unwrap(), PrepareOutput::Cancelled);
    assert!(desk.host.sim.calls().is_empty(), "nobody asked GitHub");
}

//! Workflows without a live execution, lost slots, requests that nobody noticed.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::gate::GateStatus;
use domain::ids::TaskToken;
use domain::person::Actor;
use domain::slot::{SlotPool, Waiter};
use domain::steps::SlotOutput;
use domain::ticket::Priority;
use domain::workflow::{Event, ResumePoint};
use sweeper::Swept;
use testkit::Outcome;
use testkit::sample::{now, ticket};

use crate::broom::Broom;

const RECOVERED: Swept = Swept { expired: 0, reminded: 0, delivered: 0, recovered: 1, polled: 0 };

#[tokio::test]
async fn a_workflow_that_was_never_started_is_started_once() {
    let broom = Broom::start().await;
    let id = broom.world.begin(&ticket("FL-1")).await.id;
    assert_eq!(broom.sweep(59).await.unwrap(), Swept::default(), "its own function may still be at it");
    assert!(broom.world.executions(&broom.machine).await.is_empty());
    assert_eq!(broom.sweep(60).await.unwrap(), RECOVERED);
    assert_eq!(broom.sweep(120).await.unwrap(), Swept::default());
    assert_eq!(broom.world.executions(&broom.machine).await, [id.to_string()]);
    assert_eq!(broom.world.workflow(&id).await.state, WorkflowState::Pending);
}

#[tokio::test]
async fn a_workflow_whose_execution_is_gone_ends_with_an_error() {
    let broom = Broom::start().await;
    let (workflow, execution) = broom.planned("FL-1").await;
    let next = broom.planned("FL-2").await.0;
    assert_eq!(broom.sweep(60).await.unwrap(), Swept::default(), "both run");
    broom.world.states().stop_execution().execution_arn(execution).error("Stopped").send().await.unwrap();
    assert_eq!(broom.sweep(120).await.unwrap(), RECOVERED);
    let after = broom.world.workflow(&workflow.id).await;
    assert_eq!(after.state, WorkflowState::Error);
    assert!(after.failure.unwrap().message.contains("Stopped"));
    assert_eq!(broom.world.workflow(&next.id).await.state, WorkflowState::Planning);
    assert_eq!(broom.sweep(180).await.unwrap(), Swept::default());
}

/// The execution that resumes a workflow is started at once when somebody asks for it and by the next sweep otherwise, but
/// not before the one before it has ended.
#[tokio::test]
async fn a_resumed_workflow_gets_an_execution_of_its_own() {
    let broom = Broom::start().await;
    let (workflow, first) = broom.planned("FL-1").await;
    let failure = Failure::new(FailureKind::Transient, "busy");
    broom.world.tell(&workflow.id, [Event::Failed { failure }]).await;
    let (store, id, actor) = (&broom.world.store, &workflow.id, Actor::system("test"));
    let resumed = store.resume(id, Some(ResumePoint::AskSpec), None, &actor, now()).await.unwrap();
    let name = format!("{id}-r1");
    assert_eq!(resumed.execution().to_string(), name);

    assert!(!broom.start_asked(id).await, "the first one runs");
    assert_eq!(broom.sweep(60).await.unwrap(), Swept::default());
    broom.world.states().stop_execution().execution_arn(first).send().await.unwrap();
    assert!(broom.start_asked(id).await);
    assert!(!broom.start_asked(id).await, "twice is once");
    assert_eq!(broom.sweep(120).await.unwrap(), Swept::default());
    let mut names = broom.world.executions(&broom.machine).await;
    names.sort();
    assert_eq!(names, [id.to_string(), name.clone()]);
    assert_eq!(broom.world.workflow(id).await.state, WorkflowState::Planning);

    let arn = format!("{}:{name}", broom.machine.replacen(":stateMachine:", ":execution:", 1));
    let states = broom.world.states();
    let input = states.describe_execution().execution_arn(&arn).send().await.unwrap().input.unwrap();
    assert_eq!(input, format!(r#"{{"workflow_id":"{id}","from":"ask_spec"}}"#));
    states.stop_execution().execution_arn(arn).error("Stopped").send().await.unwrap();
    assert_eq!(broom.sweep(180).await.unwrap(), RECOVERED);
    assert_eq!(broom.world.workflow(id).await.state, WorkflowState::Error);
    assert!(!broom.start_asked(id).await, "what has ended is not started");
}

#[tokio::test]
async fn a_slot_that_outlived_its_workflow_goes_to_the_next() {
    let broom = Broom::start().await;
    let (first, second) = (broom.planned("FL-1").await.0, broom.planned("FL-2").await.0);
    let wait = broom.world.wait().await;
    let (pool, slots) = (SlotPool::Run, &broom.world.slots);
    for workflow in [&first, &second] {
        let waiter = Waiter { workflow_id: workflow.id.clone(), priority: Priority::Normal, since: now() };
        slots.enqueue(pool, &waiter).await.unwrap();
        slots.hand_over(pool, 1).await.unwrap();
    }
    broom.world.tokens.put_slot(pool, &second.id, &wait.token, now()).await.unwrap();
    assert_eq!(broom.sweep(60).await.unwrap(), Swept::default());
    assert_eq!(slots.holders(pool).await.unwrap(), [first.id.clone()].into());

    let failure = Failure::new(FailureKind::Internal, "a bug");
    broom.world.tell(&first.id, [Event::Failed { failure }]).await;
    broom.sweep(120).await.unwrap();
    assert_eq!(wait.outcome().await, Outcome::Success(serde_json::to_value(SlotOutput::Acquired).unwrap()));
    assert_eq!(slots.holders(pool).await.unwrap(), [second.id].into());
}

#[tokio::test]
async fn a_request_to_stop_that_nobody_noticed_is_carried_out() {
    let broom = Broom::start().await;
    let gate = broom.asked("FL-1", &TaskToken::new("token")).await;
    let cancel = Event::CancelRequested { reason: "not wanted".to_owned() };
    broom.world.tell(&gate.workflow_id, [cancel]).await;
    broom.sweep(59).await.unwrap();
    assert_eq!(broom.world.workflow(&gate.workflow_id).await.state, WorkflowState::AwaitingSpecApproval);
    broom.sweep(60).await.unwrap();
    assert_eq!(broom.world.workflow(&gate.workflow_id).await.state, WorkflowState::Cancelled);
    let gate = broom.world.gates.gate(&gate.id).await.unwrap().unwrap();
    assert_eq!(gate.status, GateStatus::Cancelled);
}

//! The end of workflows.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::gate::{GateKind, GateStatus, Verdict};
use domain::ids::{TaskToken, WorkflowId};
use domain::outbox::Notice;
use domain::person::Actor;
use domain::steps::{ApprovalStep, FinishOutput, StepError, WorkflowStep};
use domain::workflow::{Event, ExecutionName};
use store::TicketRow;
use testkit::sample::{at, sha, ticket};
use testkit::{Functions, Outcome, World};

use crate::desk::{Desk, POOL, SCOPE};

fn error(name: &str, message: &str) -> StepError {
    let cause = serde_json::json!({ "errorType": name, "errorMessage": message }).to_string();
    StepError { error: name.to_owned(), cause }
}

async fn open_gate(world: &World, id: &WorkflowId, kind: GateKind) {
    let step = ApprovalStep::Open { workflow_id: id.clone(), kind, task_token: TaskToken::new("token") };
    let gates = world.gates_function(&world.aws);
    approvals::handle(&gates, serde_json::to_value(step).unwrap(), at(0)).await.unwrap();
}

#[tokio::test]
async fn an_error_is_recorded_by_kind_and_slots_go_to_the_next() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    let next = desk.world.begin(&ticket("FL-2")).await;
    let wait = desk.world.wait().await;
    desk.acquire(&workflow.id, &TaskToken::new("first"), 0).await;
    desk.acquire(&next.id, &wait.token, 1).await;

    let ended = desk.finish(&workflow.id, Some(error("ModelUnavailable", "529 from the provider"))).await;
    assert_eq!(ended.state, WorkflowState::Error);
    let Outcome::Success(_) = wait.outcome().await else { panic!("the slot was not handed over") };
    let after = desk.world.workflow(&workflow.id).await;
    let failure = after.failure.unwrap();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::ModelUnavailable, "529 from the provider"));
    let rows = desk.world.store.outbox(&workflow.id).await.unwrap();
    let ended =
        |row: &store::OutboxRow| matches!(row.message.notice, Notice::Ended { state: WorkflowState::Error, .. });
    assert_eq!(rows.iter().filter(|row| ended(row)).count(), 1);

    let before = desk.world.everything().await;
    for again in [None, Some(error("Internal", "another"))] {
        assert_eq!(desk.finish(&workflow.id, again).await.state, WorkflowState::Error);
        assert_eq!(desk.world.everything().await, before);
    }
    assert!(desk.functions.calls(Functions::APPROVALS).is_empty(), "no gate was open");
}

#[tokio::test]
async fn the_end_names_what_happened() {
    let desk = Desk::start().await;
    let timeout = StepError { error: "States.Timeout".to_owned(), cause: String::new() };
    let unknown = StepError { error: "Runtime.ExitError".to_owned(), cause: "x".to_owned() };
    for (id, error, kind) in [
        ("FL-1", Some(timeout), FailureKind::Transient),
        ("FL-2", Some(unknown), FailureKind::Internal),
        ("FL-3", None, FailureKind::Inconsistent),
    ] {
        let workflow = desk.world.begin(&ticket(id)).await;
        assert_eq!(desk.finish(&workflow.id, error).await.state, WorkflowState::Error);
        assert_eq!(desk.world.workflow(&workflow.id).await.failure.unwrap().kind, kind);
    }

    let cancelled = desk.world.begin(&ticket("FL-4")).await.id;
    desk.world.tell(&cancelled, [Event::CancelRequested { reason: "not wanted".to_owned() }]).await;
    let ended = desk.finish(&cancelled, Some(error("Superseded", "cancelled meanwhile"))).await;
    assert_eq!(ended.state, WorkflowState::Cancelled);
    assert_eq!(desk.world.workflow(&cancelled).await.reason.as_deref(), Some("not wanted"));
}

#[tokio::test]
async fn a_merged_workflow_is_complete_whatever_else_happened() {
    let desk = Desk::start().await;
    let workflow = desk.world.published(&ticket("FL-1"), &sha("b")).await;
    open_gate(&desk.world, &workflow.id, GateKind::Pr).await;
    let gate = desk.world.workflow(&workflow.id).await.open_gate.unwrap();
    let (kind, status, verdict) = (GateKind::Pr, GateStatus::Approved, Verdict::Approve);
    let approved = Event::GateDecided { gate, kind, status, verdict, comment: None };
    desk.world.tell(&workflow.id, [approved, Event::PrMerged { merge_sha: sha("d") }]).await;
    let ended = desk.finish(&workflow.id, Some(error("Transient", "busy"))).await;
    assert_eq!(ended.state, WorkflowState::Completed);
}

#[tokio::test]
async fn an_open_gate_is_closed_and_the_workflow_ends_by_its_error() {
    let desk = Desk::start().await;
    let planned = desk.world.planned(&ticket("FL-1"), &sha("a"), SCOPE).await;
    open_gate(&desk.world, &planned.id, GateKind::Spec).await;
    let published = desk.world.published(&ticket("FL-2"), &sha("b")).await;
    open_gate(&desk.world, &published.id, GateKind::Pr).await;
    assert_eq!(desk.world.gates.inbox("ann@acme.example").await.unwrap().len(), 2);

    for (id, kind) in [(planned.id, GateKind::Spec), (published.id, GateKind::Pr)] {
        let ended = desk.finish(&id, Some(error("Transient", "the execution was stopped"))).await;
        assert_eq!(ended.state, WorkflowState::Error, "{kind:?}");
        let workflow = desk.world.workflow(&id).await;
        assert_eq!(workflow.failure.unwrap().message, "the execution was stopped");
        let gate = desk.world.gates.gate(&kind.gate_id(&id, 1).unwrap()).await.unwrap().unwrap();
        assert_eq!(gate.status, GateStatus::Cancelled);
        let trail = desk.world.trail(&id).await;
        assert!(trail.ends_with(&["gate_decided".to_owned(), "failed".to_owned()]), "{trail:?}");
    }
    assert!(desk.world.gates.inbox("ann@acme.example").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_workflow_loses_its_open_gate() {
    let desk = Desk::start().await;
    let planned = desk.world.planned(&ticket("FL-1"), &sha("a"), SCOPE).await;
    open_gate(&desk.world, &planned.id, GateKind::Spec).await;
    desk.cancel(&planned.id).await;
    assert!(desk.functions.calls(Functions::APPROVALS).is_empty(), "nobody asked for it");

    desk.world.tell(&planned.id, [Event::CancelRequested { reason: "not wanted".to_owned() }]).await;
    for _ in 0..2 {
        desk.cancel(&planned.id).await;
    }
    assert_eq!(desk.functions.calls(Functions::APPROVALS).len(), 1);
    let after = desk.world.workflow(&planned.id).await;
    assert_eq!((after.state, after.reason.as_deref()), (WorkflowState::Cancelled, Some("not wanted")));
    assert!(!desk.world.slots.is_held(POOL, &planned.id).await.unwrap());
}

/// An execution's end may be told late and twice: by its last step, by the rule on executions and by the sweeper.
#[tokio::test]
async fn an_execution_from_before_a_resumption_ends_nothing() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    let first = workflow.execution();
    let told = |execution: &ExecutionName| WorkflowStep::ExecutionEnded {
        execution: execution.clone(),
        error: error("Transient", "busy"),
    };
    let ended: FinishOutput = desk.step(told(&first)).await.unwrap();
    assert_eq!(ended.state, WorkflowState::Error);
    let (id, actor) = (&workflow.id, Actor::system("test"));
    let resumed = desk.world.store.resume(id, None, None, &actor, at(1)).await.unwrap();
    assert_eq!(resumed.state, WorkflowState::SpecApproved);
    desk.acquire(id, &TaskToken::new("second"), 2).await;

    let before = desk.world.everything().await;
    let of_itself = WorkflowStep::Finish {
        workflow_id: id.clone(),
        error: Some(error("Transient", "busy")),
        execution: Some(first.to_string()),
    };
    for late in [told(&first), of_itself] {
        let answer: FinishOutput = desk.step(late).await.unwrap();
        assert_eq!(answer.state, WorkflowState::SpecApproved);
        assert_eq!(desk.world.everything().await, before);
    }
    // Its own execution ends it, and so did the first one where nobody looked at which it was.
    let answer: FinishOutput = desk.step(told(&resumed.execution())).await.unwrap();
    assert_eq!(answer.state, WorkflowState::Error);
    assert!(desk.world.slots.holders(POOL).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_ticket_is_not_resumed() {
    let desk = Desk::start().await;
    let workflow = desk.approved().await;
    desk.finish(&workflow.id, Some(error("Transient", "busy"))).await;
    let (store, key) = (&desk.world.store, &workflow.ticket.key);
    let row = store.ticket_row(key).await.unwrap().unwrap();
    let cancelled = TicketRow { version: 2, cancelled: true, ..row.clone() };
    store.write_ticket_row(key, &cancelled).await.unwrap();
    let resume = async || store.resume(&workflow.id, None, None, &Actor::system("test"), at(1)).await;
    let refused = resume().await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Superseded);
    assert!(refused.message.contains("a cancel sticks"), "{refused}");
    store.write_ticket_row(key, &TicketRow { version: 3, ..row }).await.unwrap();
    resume().await.unwrap();
    assert!(resume().await.unwrap_err().message.contains("has not ended"));
}

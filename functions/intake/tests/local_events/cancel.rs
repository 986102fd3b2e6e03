//! A cancel sticks.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::steps::{Done, WorkflowStep};
use domain::ticket::{Ticket, TicketEventKind};
use domain::workflow::Event;
use store::StoreError;
use testkit::Functions;
use testkit::sample::{at, now, ticket};

use crate::inbox::{Inbox, ticket_event, workflow_id};

fn version(version: u64) -> Ticket {
    Ticket { version, title: format!("version {version}"), ..ticket("FL-1") }
}

#[tokio::test]
async fn a_cancel_that_arrives_first_keeps_the_ticket_from_starting() {
    let inbox = Inbox::start().await;
    inbox.ticket(TicketEventKind::Cancelled, &version(2)).await;
    inbox.ticket(TicketEventKind::Created, &version(1)).await;
    inbox.ticket(TicketEventKind::Updated, &version(9)).await;
    assert!(inbox.executions().await.is_empty());
    let workflow = inbox.world.store.workflow(&workflow_id("FL-1")).await;
    assert!(matches!(workflow, Err(StoreError::NotFound(_))));
    assert!(inbox.functions.calls(Functions::WORKFLOW).is_empty());
}

#[tokio::test]
async fn a_cancel_stands_in_the_row_before_anybody_acts_on_it() {
    let inbox = Inbox::start().await;
    let id = workflow_id("FL-1");
    inbox.ticket(TicketEventKind::Created, &version(1)).await;
    inbox.functions.on(Functions::WORKFLOW, |_| async { Err(Failure::new(FailureKind::Transient, "ECS is busy")) });
    let cancel = ticket_event("flux-lens:c", TicketEventKind::Cancelled, &version(2));
    assert_eq!(inbox.deliver(&cancel, now()).await.unwrap_err().kind, FailureKind::Transient);
    assert!(inbox.world.workflow(&id).await.cancel_requested.is_some());

    inbox.functions.answering(Functions::WORKFLOW, serde_json::to_value(Done::Done).unwrap());
    inbox.deliver(&cancel, at(10)).await.unwrap();
    inbox.ticket(TicketEventKind::Updated, &version(3)).await;
    assert_eq!(inbox.world.trail(&id).await, ["created", "cancel_requested"], "once, and nothing after it");
    let step = serde_json::to_value(WorkflowStep::Cancel { workflow_id: id }).unwrap();
    assert_eq!(inbox.functions.calls(Functions::WORKFLOW), [step.clone(), step]);
}

#[tokio::test]
async fn what_has_ended_is_not_cancelled() {
    let inbox = Inbox::start().await;
    let id = workflow_id("FL-1");
    inbox.ticket(TicketEventKind::Created, &version(1)).await;
    let failure = Failure::new(FailureKind::Internal, "a bug");
    inbox.world.tell(&id, [Event::Failed { failure }]).await;
    inbox.ticket(TicketEventKind::Cancelled, &version(2)).await;
    assert_eq!(inbox.world.workflow(&id).await.state, WorkflowState::Error);
    assert!(inbox.functions.calls(Functions::WORKFLOW).is_empty());
}

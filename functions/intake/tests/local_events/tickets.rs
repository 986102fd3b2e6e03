//! Tickets are started once and follow the newest version.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::inbound::Inbound;
use domain::person::Actor;
use domain::secrets::fingerprints;
use domain::ticket::{Ticket, TicketEventKind};
use domain::workflow::{RoundLimits, Workflow};
use intake::process;
use store::TicketRow;
use testkit::sample::{at, now, ticket};

use crate::inbox::{Inbox, event, ticket_event, workflow_id};

#[tokio::test]
async fn a_new_ticket_starts_one_execution_however_often_it_is_delivered() {
    let inbox = Inbox::start().await;
    let id = workflow_id("FL-1");
    let event = ticket_event("flux-lens:a", TicketEventKind::Created, &ticket("FL-1"));
    inbox.deliver(&event, now()).await.unwrap();
    assert_eq!(inbox.executions().await, [id.to_string()]);
    assert_eq!(inbox.input(&id).await, format!(r#"{{"workflow_id":"{id}"}}"#));
    assert_eq!(inbox.world.workflow(&id).await.state, WorkflowState::Pending);
    assert_eq!(inbox.world.store.ticket(&id).await.unwrap(), ticket("FL-1"));

    let before = inbox.world.everything().await;
    inbox.deliver(&event, at(1)).await.unwrap();
    assert_eq!(inbox.world.everything().await, before, "the same delivery");
    let again = ticket_event("flux-lens:b", TicketEventKind::Created, &ticket("FL-1"));
    inbox.deliver(&again, at(2)).await.unwrap();
    assert_eq!(inbox.executions().await, [id.to_string()], "another delivery of the same");
    assert_eq!(inbox.world.trail(&id).await, ["created"]);
}

#[tokio::test]
async fn what_the_webhook_function_holds_is_noted() {
    let inbox = Inbox::start().await;
    assert!(inbox.world.store.known_secrets().await.unwrap().is_empty());
    let keys = ["0123456789abcdef-old", "0123456789abcdef-new"];
    for (round, salt) in [(1, [1; 16]), (2, [2; 16])] {
        let prints = keys.iter().flat_map(|key| fingerprints("a signing key", key, salt)).collect();
        let event = event(&format!("webhook:{round}"), Inbound::SecretsHeld { fingerprints: prints });
        inbox.deliver(&event, now()).await.unwrap();
        let known = inbox.world.store.known_secrets().await.unwrap();
        assert_eq!(known.len(), 2, "the later list takes the place of the earlier one");
        assert_eq!(known.find(format!("x = {}", keys[1]).as_bytes()), Some("a signing key"));
    }
}

#[tokio::test]
async fn deliveries_at_once_start_one_execution() {
    let inbox = Inbox::start().await;
    let event = |delivery| ticket_event(delivery, TicketEventKind::Created, &ticket("FL-1"));
    let (a, b, c) = (event("flux-lens:a"), event("flux-lens:b"), event("flux-lens:c"));
    let done = tokio::join!(inbox.deliver(&a, now()), inbox.deliver(&b, now()), inbox.deliver(&c, now()));
    assert_eq!(done, (Ok(()), Ok(()), Ok(())));
    assert_eq!(inbox.executions().await.len(), 1);
    assert_eq!(inbox.world.trail(&workflow_id("FL-1")).await, ["created"]);
}

#[tokio::test]
async fn a_failure_between_the_rows_and_the_start_is_made_good_by_the_next_try() {
    let inbox = Inbox::start().await;
    let event = ticket_event("flux-lens:a", TicketEventKind::Created, &ticket("FL-1"));
    let failed = process(&inbox.cut_off(), &event, now()).await.unwrap_err();
    assert_eq!(failed.kind, FailureKind::Transient);
    assert_eq!(inbox.world.workflow(&workflow_id("FL-1")).await.state, WorkflowState::Pending);
    assert!(inbox.executions().await.is_empty());
    inbox.deliver(&event, at(1)).await.unwrap();
    assert_eq!(inbox.executions().await.len(), 1);
    assert_eq!(inbox.world.trail(&workflow_id("FL-1")).await, ["created"]);
}

#[tokio::test]
async fn a_crash_between_the_rows_and_the_start_is_made_good_when_the_lease_is_over() {
    let inbox = Inbox::start().await;
    let (store, ticket) = (&inbox.world.store, ticket("FL-1"));
    let event = ticket_event("flux-lens:a", TicketEventKind::Created, &ticket);
    let claim = store.claim_delivery(&event.delivery_id, event.body_digest, now()).await.unwrap();
    assert!(claim.is_ok());
    let id = workflow_id("FL-1");
    let limits = RoundLimits::default();
    let (workflow, entry) = Workflow::create(id.clone(), &ticket, limits, Actor::system("intake"), now()).unwrap();
    let row = TicketRow {
        version: 1,
        ticket_version: 1,
        generation: id.generation(),
        workflow_id: Some(id.clone()),
        cancelled: false,
    };
    let extra = vec![store.ticket_row_write(&ticket.key, &row).unwrap()];
    store.create(&workflow, &entry, &ticket, extra).await.unwrap();

    let busy = inbox.deliver(&event, at(60)).await.unwrap_err();
    assert_eq!(busy.kind, FailureKind::Transient, "the message stays on the queue");
    inbox.deliver(&event, at(61)).await.unwrap();
    assert_eq!(inbox.executions().await, [id.to_string()]);
}

#[tokio::test]
async fn the_newest_version_counts_whatever_the_order_of_arrival() {
    let inbox = Inbox::start().await;
    let id = workflow_id("FL-1");
    let version = |version, title: &str| Ticket { version, title: title.to_owned(), ..ticket("FL-1") };
    inbox.ticket(TicketEventKind::Updated, &version(3, "third")).await;
    assert_eq!(inbox.executions().await.len(), 1, "an update that is first starts the ticket");
    inbox.ticket(TicketEventKind::Created, &version(1, "first")).await;
    inbox.ticket(TicketEventKind::Updated, &version(2, "second")).await;
    assert_eq!(inbox.world.store.ticket(&id).await.unwrap().title, "third");
    assert_eq!(inbox.world.trail(&id).await, ["created"]);

    inbox.ticket(TicketEventKind::Updated, &version(5, "fifth")).await;
    let after = inbox.world.workflow(&id).await;
    assert_eq!((after.ticket.version, after.ticket.digest), (5, version(5, "fifth").content_digest()));
    assert_eq!(inbox.world.store.ticket(&id).await.unwrap().title, "fifth");
    // The tracker's echo of a status that we set.
    inbox.ticket(TicketEventKind::Updated, &version(6, "fifth")).await;
    assert_eq!(inbox.world.trail(&id).await, ["created", "ticket_updated"]);
    let row = inbox.world.store.ticket_row(&ticket("FL-1").key).await.unwrap().unwrap();
    assert_eq!(row.ticket_version, 6);
}

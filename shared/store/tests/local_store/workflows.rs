//! Rows of workflows and their audit trail.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::ids::Revision;
use domain::person::Actor;
use domain::workflow::Event;
use futures::future::join_all;
use store::StoreError;
use testkit::World;
use testkit::sample::{now, ticket};

#[tokio::test]
async fn a_commit_on_an_outdated_row_conflicts_and_changes_nothing() {
    let world = World::start().await;
    let read = world.begin(&ticket("FL-1")).await;
    let planning = Event::PlanningStarted { revision: Revision::FIRST };
    let first = read.apply(planning, Actor::system("a"), now()).unwrap();
    let cancel = Event::CancelRequested { reason: "no".to_owned() };
    let second = read.apply(cancel, Actor::system("b"), now()).unwrap();
    world.store.commit(&first, vec![]).await.unwrap();
    let before = world.everything().await;

    let link = world.store.ticket_write(&read.id, &ticket("FL-2")).unwrap();
    let lost = world.store.commit(&second, vec![link]).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    assert_eq!(world.everything().await, before);
    let again = world.store.commit(&first, vec![]).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "not even the same change twice");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn row_audit_entry_and_messages_are_written_together() {
    let world = World::start().await;
    let begun = world.begin(&ticket("FL-1")).await;
    let entries = world.store.audit_trail(&begun.id).await.unwrap();
    let again = world.store.create(&begun, &entries[0], &ticket("FL-1"), vec![]).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "a workflow is created once");

    let after = world.tell(&begun.id, [Event::PlanningStarted { revision: Revision::FIRST }]).await;
    assert_eq!((after.state, after.version), (WorkflowState::Planning, 2));
    assert_eq!(world.trail(&begun.id).await, ["created", "planning_started"]);
    assert_eq!(world.store.outbox(&begun.id).await.unwrap().len(), 1, "work has started");
    assert_eq!(world.store.ticket(&begun.id).await.unwrap(), ticket("FL-1"));
}

#[tokio::test]
async fn decisions_made_at_once_are_made_one_after_the_other() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    let record = |n: u64| {
        let (store, id) = (&world.store, &id);
        async move {
            let actor = Actor::system("test");
            let decide = |row: &domain::workflow::Workflow| {
                let (ticket_version, ticket_digest) = (row.ticket.version + 1, domain::Digest::of(n.to_be_bytes()));
                Ok(Some(Event::TicketUpdated { ticket_version, ticket_digest }))
            };
            store.record(id, &actor, now(), decide).await
        }
    };
    let results = join_all((0..6).map(record)).await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    assert!(made >= 1, "somebody always gets on");
    for failed in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(failed.kind, FailureKind::Contention);
    }
    assert_eq!(world.workflow(&id).await.ticket.version, 1 + made as u64);
    assert_eq!(world.trail(&id).await.len(), 1 + made);
}

#[tokio::test]
async fn an_event_that_came_too_late_is_superseded() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    let late = |_: &_| Ok(Some(Event::Completed));
    let refused = world.store.record(&id, &Actor::system("test"), now(), late).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Superseded);
    assert_eq!(world.trail(&id).await, ["created"]);
}

#[tokio::test]
async fn a_listing_follows_the_state_page_by_page() {
    let world = World::start().await;
    for n in 0..5 {
        world.begin(&ticket(&format!("FL-{n}"))).await;
    }
    let moved = world.begin(&ticket("FL-9")).await.id;
    world.tell(&moved, [Event::PlanningStarted { revision: Revision::FIRST }]).await;

    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.store.in_state(WorkflowState::Pending, 2, cursor.as_deref()).await.unwrap();
        assert!(page.workflows.len() <= 2);
        seen.extend(page.workflows.into_iter().map(|workflow| workflow.ticket.key.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["FL-0", "FL-1", "FL-2", "FL-3", "FL-4"]);
    let planning = world.store.in_state(WorkflowState::Planning, 10, None).await.unwrap();
    assert_eq!(planning.workflows.len(), 1);
    let foreign = world.store.in_state(WorkflowState::Pending, 10, Some("x")).await;
    assert!(matches!(foreign, Err(StoreError::Malformed { .. })));
}

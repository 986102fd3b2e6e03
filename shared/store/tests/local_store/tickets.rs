//! Rows of tickets and of pull requests.

use domain::ids::{Generation, TicketKey};
use store::{StoreError, TicketRow};
use testkit::World;
use testkit::sample::ticket;

#[tokio::test]
async fn a_ticket_row_changes_only_from_the_version_that_was_read() {
    let world = World::start().await;
    let key = TicketKey::flux_lens("FL-1");
    assert_eq!(world.store.ticket_row(&key).await.unwrap(), None);
    let first =
        TicketRow { version: 1, ticket_version: 3, generation: Generation::FIRST, workflow_id: None, cancelled: false };
    world.store.write_ticket_row(&key, &first).await.unwrap();
    let conflict =
        async |row: &TicketRow| matches!(world.store.write_ticket_row(&key, row).await, Err(StoreError::Conflict(_)));
    assert!(conflict(&first).await, "it exists");
    let second = TicketRow { version: 2, cancelled: true, ..first.clone() };
    world.store.write_ticket_row(&key, &second).await.unwrap();
    assert!(conflict(&TicketRow { version: 2, ..first.clone() }).await, "somebody was faster");
    assert!(conflict(&TicketRow { version: 4, ..first }).await, "a version was left out");
    assert_eq!(world.store.ticket_row(&key).await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_pull_request_leads_to_its_workflow() {
    let world = World::start().await;
    let workflow = world.begin(&ticket("FL-1")).await;
    let repository = &workflow.ticket.repository;
    for _ in 0..2 {
        world.store.put_pull_request(repository, 5, &workflow.id).await.unwrap();
    }
    assert_eq!(world.store.pull_request_owner(repository, 5).await.unwrap(), Some(workflow.id));
    assert_eq!(world.store.pull_request_owner(repository, 6).await.unwrap(), None);
    assert_eq!(world.store.pull_request_owner(&"acme/other".parse().unwrap(), 5).await.unwrap(), None);
}

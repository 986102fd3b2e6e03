//! Audit trails, as they are found after somebody was at the tables.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::WorkflowState;
use domain::audit::Problem;
use domain::ids::{Revision, WorkflowId};
use domain::workflow::Event;
use store::keys;
use testkit::World;
use testkit::sample::ticket;

/// A workflow with four entries.
async fn begun(world: &World) -> WorkflowId {
    of_ticket(world, "FL-1").await
}

async fn of_ticket(world: &World, number: &str) -> WorkflowId {
    let id = world.begin(&ticket(number)).await.id;
    let asked = |reason: &str| Event::CancelRequested { reason: reason.to_owned() };
    world.tell(&id, [Event::PlanningStarted { revision: Revision::FIRST }, asked("one"), asked("two")]).await;
    id
}

async fn set(world: &World, table: &str, id: &WorkflowId, sk: &str, expression: &str, value: AttributeValue) {
    let update = aws_sdk_dynamodb::Client::new(&world.aws).update_item().table_name(table);
    let key = |text: String| AttributeValue::S(text);
    let update = update.key(keys::PK, key(keys::workflow(id))).key(keys::SK, key(sk.to_owned()));
    update.update_expression(expression).expression_attribute_values(":value", value).send().await.unwrap();
}

/// Where the trail is broken now.
async fn broken(world: &World, id: &WorkflowId) -> (u64, Problem) {
    let broken = world.store.trail(id).await.unwrap().verify().unwrap_err();
    (broken.seq, broken.problem)
}

#[tokio::test]
async fn what_is_stored_is_what_was_written() {
    let world = World::start().await;
    let id = begun(&world).await;
    let trail = world.store.trail(&id).await.unwrap();
    trail.verify().unwrap();
    assert_eq!(trail.head, Some(world.workflow(&id).await.audit));
    assert_eq!(trail.readable(), world.store.audit_trail(&id).await.unwrap());
    assert_eq!(trail.entries.len(), 4);
}

#[tokio::test]
async fn a_changed_item_is_found_at_its_place_readable_or_not() {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let bytes = || AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(*b"x"));
    let world = World::start().await;
    let edits = [
        ("SET previous = :value", text("x"), false),
        ("SET seq = :value", text("3"), false),
        ("SET event = :value", bytes(), false),
        ("SET event.extra = :value", text("x"), true),
        ("SET extra = :value", text("x"), false),
        ("SET expires_at = :value", AttributeValue::N("1".to_owned()), false),
    ];
    for (number, (expression, value, readable)) in edits.into_iter().enumerate() {
        let id = of_ticket(&world, &format!("FL-{number}")).await;
        set(&world, &world.names.audit, &id, &keys::audit(3), expression, value).await;
        let (seq, problem) = broken(&world, &id).await;
        assert_eq!(seq, 3, "{expression}: {problem}");
        let left = world.store.audit_trail(&id).await.unwrap().len();
        assert_eq!(left, if readable { 4 } else { 3 }, "{expression}");
    }
}

#[tokio::test]
async fn an_item_under_another_key_is_no_entry() {
    let world = World::start().await;
    let id = begun(&world).await;
    let rows = world.rows(&world.names.audit).await;
    let mut row = rows.into_iter().find(|row| row["sk"] == AttributeValue::S(keys::audit(4))).unwrap();
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws);
    row.insert("sk".to_owned(), AttributeValue::S("00000000035".to_owned()));
    dynamodb.put_item().table_name(&world.names.audit).set_item(Some(row)).send().await.unwrap();
    assert_eq!(broken(&world, &id).await, (4, Problem::Misplaced { found: None }));
}

#[tokio::test]
async fn a_row_that_is_spoilt_or_gone_does_not_end_the_check() {
    let world = World::start().await;
    let id = begun(&world).await;
    let nonsense = AttributeValue::S("nonsense".to_owned());
    set(&world, &world.names.state, &id, keys::META, "SET audit = :value", nonsense).await;
    assert!(world.store.workflow(&id).await.is_err());
    assert_eq!(broken(&world, &id).await, (4, Problem::NoHead));
    let dynamodb = aws_sdk_dynamodb::Client::new(&world.aws);
    let delete = dynamodb.delete_item().table_name(&world.names.state);
    let delete = delete.key(keys::PK, AttributeValue::S(keys::workflow(&id)));
    delete.key(keys::SK, AttributeValue::S(keys::META.to_owned())).send().await.unwrap();
    assert_eq!(broken(&world, &id).await, (4, Problem::NoHead));
}

#[tokio::test]
async fn ids_are_listed_whatever_the_rows_say() {
    let world = World::start().await;
    let id = begun(&world).await;
    let spoilt = AttributeValue::S("spoilt".to_owned());
    set(&world, &world.names.state, &id, keys::META, "SET version = :value", spoilt).await;
    let other = world.begin(&ticket("FL-2")).await.id;
    assert_eq!(world.store.workflow_ids(WorkflowState::Planning).await.unwrap(), [id]);
    assert_eq!(world.store.workflow_ids(WorkflowState::Pending).await.unwrap(), [other]);
}

//! The audit trail over what is stored.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::{Anchor, export};
use domain::ids::WorkflowId;
use serde_json::json;
use store::{Anchored, keys};
use testkit::sample::now;

use crate::site::{Site, api};

/// Anchors the head that the workflow's row has now.
async fn anchor(site: &Site, id: &WorkflowId) {
    let head = site.world.workflow(id).await.audit;
    let anchor = Anchor { workflow_id: id.clone(), seq: head.seq, hash: head.hash, at: now() };
    let anchors = site.world.anchors(&site.config.audit_bucket);
    assert_eq!(anchors.put(&anchor).await.unwrap(), Anchored::Written);
}

async fn delete(site: &Site, table: &str, id: &WorkflowId, sk: String) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.world.aws);
    let key = [("pk", keys::workflow(id)), ("sk", sk)];
    let key: HashMap<_, _> = key.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))).into();
    dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
}

#[tokio::test]
async fn a_trail_is_shown_and_exported_with_its_anchors() {
    let site = Site::start().await;
    let id = site.planned("FL-1").await.id;
    anchor(&site, &id).await;
    let answer = site.get(&api(&id, "/audit")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/jsonl; charset=utf-8");
    let exported = export::read(answer.body.as_bytes()).unwrap();
    let standing = exported[0].verify().unwrap();
    assert_eq!((standing.entries, standing.anchored, standing.waiting), (3, 3, None));
    let page = site.get(&format!("/workflows/{id}/audit")).await;
    assert!(page.status == 200 && page.body.contains("All 3 entries are as they were written"), "{}", page.body);
    assert_eq!(site.visit(&api(&id, "/audit")).await.status, 401);
}

#[tokio::test]
async fn an_entry_that_nobody_can_read_hides_nothing() {
    let site = Site::start().await;
    let id = site.planned("FL-1").await.id;
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.world.aws);
    let update = dynamodb.update_item().table_name(&site.world.names.audit);
    let update = update.key("pk", AttributeValue::S(keys::workflow(&id))).key("sk", AttributeValue::S(keys::audit(2)));
    let update = update.update_expression("SET previous = :number");
    update.expression_attribute_values(":number", AttributeValue::N("1".to_owned())).send().await.unwrap();
    let timeline = site.get(&api(&id, "/timeline")).await.json();
    assert_eq!((&timeline["verified"], timeline["entries"].as_array().unwrap().len()), (&json!(false), 2));
    let page = site.get(&format!("/workflows/{id}")).await;
    assert!(page.status == 200 && page.body.contains("broken at entry 2"), "{}", page.body);
    let page = site.get(&format!("/workflows/{id}/audit")).await;
    assert!(page.status == 200 && page.body.contains("from entry 2 on: it cannot be read"), "{}", page.body);
}

#[tokio::test]
async fn a_workflow_that_was_cut_off_or_removed_is_missed() {
    let site = Site::start().await;
    let id = site.planned("FL-1").await.id;
    anchor(&site, &id).await;
    delete(&site, &site.world.names.audit, &id, keys::audit(3)).await;
    let page = site.get(&format!("/workflows/{id}/audit")).await;
    assert!(page.body.contains("from entry 3 on: it is missing"), "{}", page.body);
    for (table, sk) in [
        (&site.world.names.audit, keys::audit(2)),
        (&site.world.names.audit, keys::audit(1)),
        (&site.world.names.state, keys::META.to_owned()),
    ] {
        delete(&site, table, &id, sk).await;
    }
    assert_eq!(site.get(&format!("/workflows/{id}")).await.status, 404);
    let page = site.get(&format!("/workflows/{id}/audit")).await;
    assert!(page.status == 200 && page.body.contains("cannot be trusted from entry 1"), "{}", page.body);
}

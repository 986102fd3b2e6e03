//! Workflows, their history and the numbers.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::workflow::Event;
use serde_json::{Value, json};
use store::keys;
use testkit::sample::ticket;

use crate::site::{Site, api};

fn ids(page: &Value) -> Vec<String> {
    let workflows = page["workflows"].as_array().unwrap();
    workflows.iter().map(|workflow| workflow["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids on all pages of a list, sorted.
async fn walk(site: &Site, query: &str) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/workflows?{query}{cursor}")).await.json();
        seen.extend(ids(&page));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.sort();
    seen
}

#[tokio::test]
async fn a_state_is_listed_page_by_page() {
    let site = Site::start().await;
    let mut all = Vec::new();
    for id in ["FL-1", "FL-2", "FL-3"] {
        all.push(site.planned(id).await.id.to_string());
    }
    site.world.begin(&ticket("FL-4")).await;
    let walked = walk(&site, "state=PLANNING&limit=2").await;
    all.sort();
    assert_eq!(walked, all, "each once");
    assert_eq!(walk(&site, "limit=1").await.len(), 4, "also over several states");
    for (cursor, status) in [("%23", 400), ("", 400), ("eA", 404), ("MDAwI3dmLXg", 404)] {
        let answer = site.get(&format!("/api/workflows?state=PLANNING&cursor={cursor}")).await;
        assert_eq!(answer.status, status, "{cursor}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_history_that_somebody_changed_is_not_verified() {
    let site = Site::start().await;
    let workflow = site.planned("FL-1").await;
    let timeline = site.get(&api(&workflow.id, "/timeline")).await.json();
    let events: Vec<_> = timeline["entries"].as_array().unwrap().iter().map(|entry| &entry["event"]["type"]).collect();
    assert_eq!(events, ["created", "planning_started", "spec_proposed"]);
    assert_eq!((&timeline["verified"], &timeline["problem"]), (&json!(true), &json!(null)));

    let dynamodb = aws_sdk_dynamodb::Client::new(&site.world.aws);
    let update = dynamodb.update_item().table_name(&site.world.names.audit);
    let update = update.key("pk", AttributeValue::S(keys::workflow(&workflow.id)));
    let update = update.key("sk", AttributeValue::S(keys::audit(3)));
    let update = update.update_expression("SET #event.#usage.micro_usd = :less");
    let update = update.expression_attribute_names("#event", "event").expression_attribute_names("#usage", "usage");
    let update = update.condition_expression("attribute_exists(pk)");
    update.expression_attribute_values(":less", AttributeValue::N("7".to_owned())).send().await.unwrap();
    let timeline = site.get(&api(&workflow.id, "/timeline")).await.json();
    assert_eq!(timeline["verified"], false);
    assert!(timeline["problem"].is_string(), "{timeline}");
}

#[tokio::test]
async fn the_numbers_are_counted_over_all_states() {
    let site = Site::start().await;
    site.waiting().await;
    let failed = site.world.begin(&ticket("FL-2")).await;
    site.world.tell(&failed.id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;
    let metrics = site.get("/api/metrics").await.json();
    let expected = json!({
        "active": 1, "pending_approvals": 1, "completed_today": 0, "success_rate": 0.0, "truncated": false,
    });
    assert_eq!(metrics, expected);
}

#[tokio::test]
async fn pages_are_for_viewers() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let other = site.world.begin(&ticket("FL-2")).await;
    let cookies = site.sign_in("vic").await;
    let page = gate.workflow_id.page("");
    let shown = site.visit_as(&cookies, &page).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.body.contains("Keep sessions for 30 minutes") && shown.body.contains("src/app.js"));
    let list = site.visit_as(&cookies, "/").await;
    assert!(list.body.contains(gate.workflow_id.as_str()) && list.body.contains(other.id.as_str()));
    assert_eq!((site.visit(&page).await.status.as_u16(), site.visit("/").await.status.as_u16()), (303, 303));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let site = Site::start().await;
    let started = site.world.begin(&ticket("FL-1")).await;
    assert_eq!(started.state, WorkflowState::Pending);
    let unknown = "wf-00000000000000000000-1".parse().unwrap();
    for path in [api(&unknown, ""), api(&unknown, "/timeline"), api(&unknown, "/spec"), api(&started.id, "/spec")] {
        assert_eq!(site.get(&path).await.status, 404, "{path}");
    }
}

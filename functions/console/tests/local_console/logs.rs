//! Progress, page by page.

use domain::ids::{Attempt, WorkflowId};
use domain::task::{ProgressEvent, ProgressLine, ProgressTag, RunKind};
use serde_json::Value;
use testkit::sample::{at, ticket};

use crate::site::{Site, api};

fn line(id: &WorkflowId, run: RunKind, seq: u64) -> ProgressLine {
    ProgressLine {
        pi_tickets: ProgressTag::Progress,
        workflow_id: id.clone(),
        attempt: Attempt::FIRST,
        run,
        seq,
        at: at(0),
        event: ProgressEvent::Tool { name: "edit".to_owned(), summary: format!("file-{seq}.js"), failed: None },
    }
}

/// A workflow with the lines 1 to 12 of its agent and one of its QA.
async fn running(site: &Site) -> WorkflowId {
    let id = site.world.begin(&ticket("FL-1")).await.id;
    for seq in 1..=12 {
        site.world.store.append_log(line(&id, RunKind::Agent, seq)).await.unwrap();
    }
    site.world.store.append_log(line(&id, RunKind::Qa, 13)).await.unwrap();
    id
}

fn numbers(page: &Value) -> Vec<u64> {
    page["lines"].as_array().unwrap().iter().map(|line| line["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_line_is_read_once_and_in_order() {
    let site = Site::start().await;
    let id = running(&site).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = site.get(&api(&id, &format!("/logs?limit=5{after}"))).await.json();
        seen.extend(numbers(&page));
        after = format!("&after={}", page["after"].as_str().unwrap().replace('#', "%23"));
    }
    assert_eq!(seen, (1..=13).collect::<Vec<_>>());
    let rest = site.get(&api(&id, &format!("/logs?{}", &after[1..]))).await.json();
    assert_eq!(
        (numbers(&rest), format!("&after={}", rest["after"].as_str().unwrap().replace('#', "%23"))),
        (vec![], after)
    );
    let page = site.get(&format!("/workflows/{id}/logs")).await;
    assert!(page.body.contains("file-1.js") && page.body.contains("file-13.js"), "{}", page.body);
}

#[tokio::test]
async fn a_position_that_nobody_gave_out_is_no_fault_of_ours() {
    let site = Site::start().await;
    let id = running(&site).await;
    for after in [
        "x",
        "LOG%23",
        "LOG%23zzz",
        "LOG%23%C3%BF",
        "LOG%23%7F%7F",
        "LOG%23%00",
        &format!("LOG%23{}", "0".repeat(3_000)),
    ] {
        for path in [api(&id, &format!("/logs?after={after}")), format!("/workflows/{id}/logs?after={after}")] {
            let answer = site.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
    }
}

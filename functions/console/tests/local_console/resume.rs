//! Going on with a workflow that ended.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::steps::SweeperAsk;
use domain::workflow::Event;
use serde_json::json;
use testkit::Functions;

use crate::site::{Site, api};

#[tokio::test]
async fn a_resumption_is_written_down_before_anything_is_started() {
    let site = Site::start().await;
    let id = site.planned("FL-1").await.id;
    let broken = || Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") };
    site.world.tell(&id, [broken()]).await;
    let path = api(&id, "/retry");
    site.functions.on(Functions::SWEEPER, |_| async { Err(Failure::new(FailureKind::Transient, "busy")) });
    let answer = site.post(&path, &json!({ "reason": "The bug is mended" })).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["state"]),
        (202, &json!("PLANNING")),
        "the next sweep starts it"
    );
    let entry = site.world.store.audit_trail(&id).await.unwrap().pop().unwrap();
    assert_eq!((entry.actor.label().as_str(), entry.from), ("ann@acme.example (api)", WorkflowState::Error));
    assert_eq!(site.post(&path, &json!({})).await.status, 409, "it lives");

    site.world.tell(&id, [broken()]).await;
    site.functions.answering(Functions::SWEEPER, json!(true));
    assert_eq!(site.post(&path, &json!({ "from": "plan" })).await.status, 202);
    let workflow = site.world.workflow(&id).await;
    assert_eq!((workflow.execution().to_string(), workflow.revision.get()), (format!("{id}-r2"), 2));
    let ask = serde_json::to_value(SweeperAsk::Start { workflow_id: id }).unwrap();
    assert_eq!(site.functions.calls(Functions::SWEEPER), [ask.clone(), ask]);
}

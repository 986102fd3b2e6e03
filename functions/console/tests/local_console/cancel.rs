//! Calling a workflow off.

use domain::failure::{Failure, FailureKind};
use domain::steps::{Done, WorkflowStep};
use domain::workflow::Event;
use serde_json::json;
use testkit::Functions;
use testkit::sample::ticket;

use crate::site::{Site, api};

#[tokio::test]
async fn a_cancel_is_written_down_before_anybody_acts_on_it() {
    let site = Site::start().await;
    let id = site.world.begin(&ticket("FL-1")).await.id;
    let path = api(&id, "/cancel");
    site.functions.on(Functions::WORKFLOW, |_| async { Err(Failure::new(FailureKind::Transient, "ECS is busy")) });
    assert_eq!(site.post(&path, &json!({ "reason": "Not needed" })).await.status, 503);
    assert_eq!(site.world.workflow(&id).await.cancel_requested.as_deref(), Some("Not needed"));

    site.functions.answering(Functions::WORKFLOW, serde_json::to_value(Done::Done).unwrap());
    let again = site.post(&path, &json!({ "reason": "Really" })).await;
    assert_eq!((again.status.as_u16(), &again.json()["cancel_requested"]), (202, &json!("Not needed")));
    assert_eq!(site.world.trail(&id).await, ["created", "cancel_requested"]);
    let entry = site.world.store.audit_trail(&id).await.unwrap().pop().unwrap();
    assert_eq!(entry.actor.label(), "ann@acme.example (api)");
    let step = serde_json::to_value(WorkflowStep::Cancel { workflow_id: id }).unwrap();
    assert_eq!(site.functions.calls(Functions::WORKFLOW), [step.clone(), step]);
}

#[tokio::test]
async fn what_has_ended_or_never_was_is_not_cancelled() {
    let site = Site::start().await;
    let id = site.world.begin(&ticket("FL-1")).await.id;
    site.world.tell(&id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;
    let before = site.world.everything().await;
    assert_eq!(site.post(&api(&id, "/cancel"), &json!({})).await.status, 409);
    let unknown = "wf-00000000000000000000-1".parse().unwrap();
    assert_eq!(site.post(&api(&unknown, "/cancel"), &json!({})).await.status, 404);
    assert_eq!(site.world.everything().await, before);
    assert!(site.functions.calls(Functions::WORKFLOW).is_empty());
}

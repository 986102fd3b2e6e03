//! Workflows that need no plan, or no longer.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::steps::PlanOutput;
use domain::workflow::Event;
use serde_json::json;
use testkit::{CodeHost, Functions, sample};

use crate::studio::{Studio, submits};

fn cancel() -> Event {
    Event::CancelRequested { reason: "no longer wanted".to_owned() }
}

#[tokio::test]
async fn what_was_cancelled_is_not_planned() {
    let studio = Studio::start().await;
    let id = studio.begin().await.id;
    studio.world.tell(&id, [cancel()]).await;
    let before = studio.world.everything().await;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::Cancelled);
    assert_eq!((studio.asked().len(), studio.world.everything().await), (0, before));
    assert!(studio.functions.calls(Functions::GITHUB_AUTH).is_empty());
}

#[tokio::test]
async fn a_spec_that_comes_after_the_cancel_is_not_proposed() {
    let studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    let (store, late) = (studio.world.store.clone(), id.clone());
    studio.functions.on(Functions::GITHUB_AUTH, move |_| {
        let (store, id) = (store.clone(), late.clone());
        async move {
            let by = sample::by("rita");
            store.record(&id, &by, sample::now(), |_| Ok(Some(cancel()))).await?;
            Ok(json!({ "token": CodeHost::TOKEN, "expires_at": sample::at(3_600) }))
        }
    });
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::Cancelled);
    assert_eq!(studio.asked().len(), 1, "the model was already thinking");
    assert_eq!(studio.world.workflow(&id).await.spec, None);
    assert_eq!(studio.world.trail(&id).await, ["created", "planning_started", "cancel_requested"]);
}

#[tokio::test]
async fn what_has_ended_or_never_was_is_refused() {
    let studio = Studio::start().await;
    let id = studio.begin().await.id;
    studio.world.tell(&id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;
    let before = studio.world.everything().await;
    assert_eq!(studio.plan(&id).await.unwrap_err().kind, FailureKind::Superseded);
    let unknown = "wf-00000000000000000000-1".parse().unwrap();
    assert_eq!(studio.plan(&unknown).await.unwrap_err().kind, FailureKind::Inconsistent);
    for payload in [json!({}), json!({ "workflow_id": "../x" }), json!({ "workflow_id": id, "more": 1 })] {
        let refused = planner::handle(&studio.context, payload, sample::now, std::time::Instant::now()).await;
        assert_eq!(refused.unwrap_err().kind, FailureKind::InvalidInput);
    }
    assert_eq!(studio.world.everything().await, before);
    assert_eq!(studio.world.workflow(&id).await.state, WorkflowState::Error);
}

//! The step is tried again, or runs twice at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ids::Revision;
use domain::spec::render_markdown;
use domain::steps::PlanOutput;
use serde_json::json;
use store::keys::objects;
use testkit::{CodeHost, Functions, sample};

use crate::studio::{Studio, TURN, plan, script, submits};

#[tokio::test]
async fn a_planning_that_is_done_is_not_done_again() {
    let studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    studio.plan(&id).await.unwrap();
    let before = studio.world.everything().await;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    assert_eq!((studio.asked().len(), studio.world.everything().await), (1, before));
    assert_eq!(studio.functions.calls(Functions::GITHUB_AUTH).len(), 1);
}

#[tokio::test]
async fn a_planning_that_failed_begins_anew() {
    let studio = Studio::start().await;
    let id = studio.begin().await.id;
    studio.script(&[json!({ "for": "plan", "status": 503, "headers": { "retry-after": "3600" } })]);
    studio.plan(&id).await.unwrap_err();
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    let trail = studio.world.trail(&id).await;
    assert_eq!(trail, ["created", "planning_started", "planning_started", "spec_proposed"]);
    assert_eq!(studio.world.workflow(&id).await.ledger.plan, TURN);
    assert_eq!(studio.world.store.outbox(&id).await.unwrap().len(), 1, "that work has begun is said once");
}

/// The first planning waits for its token while the second one does everything. The lost connection that makes Step
/// Functions call a function again does not end the first call.
#[tokio::test]
async fn of_two_plannings_at_once_the_spec_that_was_proposed_stays() {
    let studio = Studio::start().await;
    let id = studio.begin().await.id;
    studio.script(&[submits("The second", "src/app.js")]);
    let other = Functions::start().await;
    studio.host.serve_tokens(&other);
    let second = Arc::new(studio.beside(&other));
    let (model, late, done) = (Arc::clone(&studio.model), id.clone(), Arc::new(AtomicBool::new(false)));
    studio.functions.on(Functions::GITHUB_AUTH, move |_| {
        let (second, model, id, done) = (Arc::clone(&second), Arc::clone(&model), late.clone(), Arc::clone(&done));
        async move {
            if !done.swap(true, Ordering::SeqCst) {
                assert_eq!(plan(&second, &id).await, Ok(PlanOutput::SpecReady));
                script(&model, &[submits("The first", "test/app.test.js")]);
            }
            Ok(json!({ "token": CodeHost::TOKEN, "expires_at": sample::at(3_600) }))
        }
    });
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    assert_eq!(studio.asked().len(), 2, "both asked the model");

    let (workflow, spec) = (studio.world.workflow(&id).await, studio.stored(&id, 1).await.unwrap());
    assert_eq!(spec.text.title, "The second");
    assert_eq!(workflow.spec.unwrap().digest, spec.digest().unwrap());
    assert_eq!(studio.markdown(&id, 1).await.unwrap(), render_markdown(&spec));
    let trail = studio.world.trail(&id).await;
    assert_eq!(trail, ["created", "planning_started", "planning_started", "spec_proposed"]);
}

/// It died between the bucket and the row.
#[tokio::test]
async fn a_spec_that_no_row_names_yet_is_taken_over() {
    let studio = Studio::start().await;
    let workflow = studio.begin().await;
    let files = [("src/app.js", domain::spec::FileAction::Modify)];
    let left = sample::spec(&workflow, &studio.host.first, &files);
    let key = objects::spec_json(&workflow.id, Revision::FIRST);
    studio.world.objects.put(&key, serde_json::to_vec(&left).unwrap(), "application/json").await.unwrap();

    studio.script(&[submits("Another one", "test/app.test.js")]);
    assert_eq!(studio.plan(&workflow.id).await.unwrap(), PlanOutput::SpecReady);
    let planned = studio.world.workflow(&workflow.id).await;
    assert_eq!(planned.spec.unwrap().digest, left.digest().unwrap());
    assert_eq!(planned.ledger.plan, TURN, "it was paid for all the same");
    assert_eq!(studio.stored(&workflow.id, 1).await.unwrap(), left);
    assert_eq!(studio.markdown(&workflow.id, 1).await.unwrap(), render_markdown(&left));
}

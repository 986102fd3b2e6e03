//! The token that a step works with.

use domain::WorkflowState;
use domain::failure::{Failure, FailureKind};
use domain::steps::{Done, MergeOutput, PublishOutput};
use github_sim::{Outcome, When};
use serde_json::json;
use testkit::Functions;

use crate::desk::Desk;

const MINTED: &str = "/access_tokens";

fn asked(desk: &Desk) -> usize {
    desk.functions.calls(Functions::GITHUB_AUTH).len()
}

#[tokio::test]
async fn one_token_serves_all_steps() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    desk.merge(&id).await.unwrap();
    assert_eq!((asked(&desk), desk.calls("POST", MINTED)), (2, 1));
    let request = &desk.functions.calls(Functions::GITHUB_AUTH)[0];
    assert_eq!(*request, json!({ "repository": "acme/web" }), "nothing but the repository is asked for");
}

#[tokio::test]
async fn a_token_that_ended_between_two_steps_is_replaced() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    desk.host.sim.revoke_tokens();
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!((asked(&desk), desk.calls("POST", MINTED)), (3, 2));
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::Merged);
    assert_eq!(desk.close(&id).await, Ok(Done::Done));
}

#[tokio::test]
async fn a_token_that_ends_while_a_step_works_is_replaced() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let refusal = Outcome::Answer { status: 401, headers: [].into(), body: json!({ "message": "Bad credentials" }) };
    desk.fail(1, "POST", "/repos/*/git/refs", When::Before, refusal);
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published));
    assert_eq!((asked(&desk), desk.calls("POST", MINTED)), (2, 2));
    assert_eq!(desk.github().await["pulls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_github_that_accepts_no_token_gets_two_and_no_more() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let rows = desk.world.everything().await;
    let refusal = Outcome::Answer { status: 401, headers: [].into(), body: json!({ "message": "Bad credentials" }) };
    desk.fail(2, "GET", "/repos/*/git/commits/*", When::Before, refusal);
    let failure = desk.publish(&id).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient, "{failure}");
    assert_eq!((asked(&desk), desk.calls("POST", MINTED)), (2, 2));
    assert_eq!(desk.host.sim.faults()[0].fired, 2);
    assert_eq!(desk.world.everything().await, rows);
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published));
    assert_eq!(desk.calls("POST", MINTED), 2, "the second one was good after all");
}

#[tokio::test]
async fn why_there_is_no_token_is_how_the_step_fails() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    let (rows, github) = (desk.world.everything().await, desk.github().await);
    let gone = Failure::new(FailureKind::RepositoryUnavailable, "the App was removed");
    for failure in [gone, Failure::new(FailureKind::Transient, "busy")] {
        let answer = failure.clone();
        desk.functions.on(Functions::GITHUB_AUTH, move |_| std::future::ready(Err(answer.clone())));
        assert_eq!(desk.merge(&id).await, Err(failure.clone()));
        assert_eq!(desk.close(&id).await, Err(failure));
    }
    assert_eq!((desk.world.everything().await, desk.github().await), (rows, github));
}

//! From a tested change to a pull request.

use domain::WorkflowState;
use domain::gate::{GateKind, Verdict};
use domain::steps::PublishOutput;
use domain::workflow::Event;
use testkit::Functions;

use crate::desk::Desk;

#[tokio::test]
async fn one_commit_one_branch_one_pull_request_and_one_entry() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let digest = desk.workflow(&id).await.changes.unwrap().digest;
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published));

    let after = desk.workflow(&id).await;
    let pull = after.pr.unwrap();
    assert_eq!((after.state, after.changes.unwrap().digest), (WorkflowState::PrCreated, digest));
    let commit = desk.repo().commit(&pull.head_sha).await.unwrap();
    assert_eq!((&commit.tree, commit.parents.as_slice()), (&pull.tree_sha, std::slice::from_ref(&desk.host.first)));
    assert_eq!(desk.text(&pull.head_sha).await, "two\n");
    let owner = desk.world.store.pull_request_owner(&after.ticket.repository, pull.number).await.unwrap();
    assert_eq!(owner.as_ref(), Some(&id));
    assert_eq!(desk.world.trail(&id).await.last().unwrap(), "pr_published");
    let github = desk.github().await;
    assert_eq!(github["branches"].as_object().unwrap().len(), 2);
    assert_eq!(github["branches"][&pull.branch], pull.head_sha.as_str());
    assert_eq!(github["pulls"].as_array().unwrap().len(), 1);

    let (rows, calls) = (desk.world.everything().await, desk.host.sim.calls().len());
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published), "its answer was lost");
    assert_eq!(desk.world.everything().await, rows);
    assert_eq!(desk.host.sim.calls().len(), calls, "the row says it all");
}

#[tokio::test]
async fn two_at_a_time_publish_once() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let (one, other) = tokio::join!(desk.publish(&id), desk.publish(&id));
    assert_eq!((one, other), (Ok(PublishOutput::Published), Ok(PublishOutput::Published)));
    let github = desk.github().await;
    assert_eq!(github["pulls"].as_array().unwrap().len(), 1);
    assert_eq!(github["branches"].as_object().unwrap().len(), 2);
    let trail = desk.world.trail(&id).await;
    assert_eq!(trail.iter().filter(|event| *event == "pr_published").count(), 1);
    assert_eq!(desk.text(&desk.pull(&id).await.head_sha).await, "two\n");
}

#[tokio::test]
async fn a_round_after_a_review_goes_on_top_of_the_same_pull_request() {
    let desk = Desk::start().await;
    let (id, first) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Revise, Some("Say it in German.")).await;
    let base = desk.host.push("main", "README.md", "# Moved\n").await;
    desk.attempt(&id, &base, "zwei\n").await;
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published));

    let second = desk.pull(&id).await;
    assert_eq!((second.number, &second.branch), (first.number, &first.branch));
    let commit = desk.repo().commit(&second.head_sha).await.unwrap();
    assert_eq!(commit.parents, [first.head_sha, base]);
    assert_eq!(desk.text(&second.head_sha).await, "zwei\n");
    let github = desk.github().await;
    assert_eq!(github["pulls"].as_array().unwrap().len(), 1);
    assert_eq!(github["pulls"][0]["head"]["sha"], second.head_sha.as_str());
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::PrCreated);
}

#[tokio::test]
async fn what_was_cancelled_is_not_published() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    desk.world.tell(&id, [Event::CancelRequested { reason: "not wanted".to_owned() }]).await;
    let rows = desk.world.everything().await;
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Cancelled));
    assert_eq!(desk.world.everything().await, rows);
    assert!(desk.functions.calls(Functions::GITHUB_AUTH).is_empty() && desk.host.sim.calls().is_empty());
}

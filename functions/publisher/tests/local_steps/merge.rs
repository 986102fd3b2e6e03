//! Merging what was approved.

use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::gate::{GateKind, Verdict};
use domain::steps::MergeOutput;
use domain::workflow::{Event, PullRequestRef};
use github_sim::{MergeMethod, NewCheckRun, Protection};

use crate::desk::Desk;

/// Protects `main` with one check.
fn require_check(desk: &Desk, strict: bool) {
    let rules = Protection { required_checks: vec!["test".to_owned()], strict, ..Protection::default() };
    desk.host.sim.protect(&desk.host.name, "main", Some(rules));
}

/// Reports that check.
async fn report(desk: &Desk, pull: &PullRequestRef, conclusion: &str) {
    let run = NewCheckRun {
        head_sha: serde_json::from_value(pull.head_sha.as_str().into()).unwrap(),
        name: "test".to_owned(),
        conclusion: Some(conclusion.to_owned()),
        summary: None,
    };
    desk.host.sim.report_check_run(&desk.host.name, run).await.unwrap();
}

#[tokio::test]
async fn the_approved_head_is_merged_once() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    let after = desk.workflow(&id).await;
    let merged = after.pr.unwrap().merge_sha.unwrap();
    assert_eq!(after.state, WorkflowState::Merged);
    assert_eq!(desk.repo().branch_head("main").await.unwrap(), merged);
    let commit = desk.repo().commit(&merged).await.unwrap();
    assert_eq!((commit.parents, commit.tree), (vec![desk.host.first.clone(), pull.head_sha], pull.tree_sha));
    assert_eq!(desk.world.trail(&id).await.last().unwrap(), "pr_merged");

    let (rows, calls) = (desk.world.everything().await, desk.host.sim.calls().len());
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!(desk.world.everything().await, rows);
    desk.world.tell(&id, [Event::Completed]).await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::Completed);
    assert_eq!(desk.host.sim.calls().len(), calls, "the row says it all");
}

#[tokio::test]
async fn two_at_a_time_merge_once() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    let (one, other) = tokio::join!(desk.merge(&id), desk.merge(&id));
    assert_eq!((one, other), (Ok(MergeOutput::Merged), Ok(MergeOutput::Merged)));
    let merged = desk.pull(&id).await.merge_sha.unwrap();
    assert_eq!(desk.repo().branch_head("main").await.unwrap(), merged);
    assert_eq!(desk.world.trail(&id).await.iter().filter(|event| *event == "pr_merged").count(), 1);
}

#[tokio::test]
async fn checks_that_are_missing_or_red_are_waited_for_and_said_once() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    require_check(&desk, false);
    let rows = desk.world.everything().await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Waiting));
    report(&desk, &pull, "failure").await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Waiting));
    assert_eq!(desk.world.everything().await, rows);
    assert_eq!(desk.repo().comments(pull.number).await.unwrap().len(), 1);
    assert_eq!(desk.repo().branch_head("main").await.unwrap(), desk.host.first);

    report(&desk, &pull, "success").await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::Merged);
}

#[tokio::test]
async fn another_head_than_the_approved_one_is_not_merged() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    let theirs = desk.host.push(&pull.branch, "README.md", "# By hand\n").await;
    let rows = desk.world.everything().await;
    for _ in 0..2 {
        let failure = desk.merge(&id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GithubRefused);
        assert!(failure.message.contains(theirs.as_str()), "{failure}");
    }
    assert_eq!(desk.world.everything().await, rows);
    assert_eq!(desk.github().await["pulls"][0]["state"], "open");
    assert_eq!(desk.repo().branch_head("main").await.unwrap(), desk.host.first);
}

#[tokio::test]
async fn what_a_person_did_at_github_is_recorded_as_it_is() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    desk.host.sim.close(&desk.host.name, pull.number, Some("alice")).await.unwrap();
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed));
    let after = desk.workflow(&id).await;
    assert_eq!(after.state, WorkflowState::PrClosed);
    insta::assert_snapshot!(after.reason.unwrap(), @"Pull request #1 was closed on GitHub.");
    let rows = desk.world.everything().await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed), "its answer was lost");
    assert_eq!(desk.world.everything().await, rows);

    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    let merged = desk.host.sim.merge(&desk.host.name, pull.number, Some("alice"), MergeMethod::Squash).await.unwrap();
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!(desk.pull(&id).await.merge_sha.unwrap().as_str(), merged.as_str());

    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    let theirs = desk.host.push(&pull.branch, "README.md", "# By hand\n").await;
    desk.host.sim.merge(&desk.host.name, pull.number, Some("alice"), MergeMethod::Merge).await.unwrap();
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed), "nobody tested what was merged");
    let after = desk.workflow(&id).await;
    assert_eq!((after.state, after.pr.unwrap().merge_sha), (WorkflowState::PrClosed, None));
    assert!(after.reason.unwrap().contains(theirs.as_str()));
}

#[tokio::test]
async fn what_was_not_approved_is_closed_instead() {
    let desk = Desk::start().await;
    let (id, pull) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Reject, Some("Not like this.")).await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed));
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::PrClosed);
    assert_eq!(desk.github().await["pulls"][0]["state"], "closed");
    let comments = desk.repo().comments(pull.number).await.unwrap();
    assert!(comments.len() == 1 && comments[0].body.contains("Not like this."), "{comments:?}");
    assert_eq!(desk.repo().branch_head("main").await.unwrap(), desk.host.first);
}

#[tokio::test]
async fn a_branch_that_must_be_up_to_date_goes_another_round() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    require_check(&desk, true);
    report(&desk, &pull, "success").await;
    let base = desk.host.push("main", "README.md", "# Moved\n").await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Conflict));
    desk.attempt(&id, &base, "two\n").await;
    desk.publish(&id).await.unwrap();
    let second = desk.pull(&id).await;
    assert_eq!(second.number, pull.number);
    report(&desk, &second, "success").await;
    desk.decide(&id, GateKind::Pr, Verdict::Approve, None).await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    assert_eq!(desk.text(&desk.repo().branch_head("main").await.unwrap()).await, "two\n");
}

//! A step that dies on its way, and is run again.

use aws_sdk_dynamodb::Client;
use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::gate::{GateKind, Verdict};
use domain::steps::{Done, MergeOutput, PublishOutput};
use github_sim::{Outcome, When};
use publisher::Context;
use store::Store;

use crate::desk::{Desk, close_with, merge_with, publish_with};

/// The function, as it cannot write the audit trail, and so no event.
fn without_a_record(desk: &Desk) -> Context {
    let client = Client::new(&desk.world.aws);
    let store = Store::new(client, &desk.world.names.state, "no-such-table");
    Context { store, ..desk.fragile() }
}

#[tokio::test]
async fn publishing_comes_to_the_same_end_whatever_call_it_dies_at() {
    for (path, when) in [("commits", When::Before), ("git/refs", When::After), ("pulls", When::After)] {
        let desk = Desk::start().await;
        let id = desk.tested().await;
        let rows = desk.world.everything().await;
        desk.fail(1, "POST", &format!("/repos/*/{path}"), when, Outcome::Drop);
        let failure = publish_with(&desk.fragile(), &id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{path}: {failure}");
        assert_eq!(desk.world.everything().await, rows, "{path}");

        assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published), "{path}");
        let (github, pull) = (desk.github().await, desk.pull(&id).await);
        assert_eq!(github["pulls"].as_array().unwrap().len(), 1, "{path}");
        assert_eq!(github["branches"].as_object().unwrap().len(), 2, "{path}");
        assert_eq!(github["branches"][&pull.branch], pull.head_sha.as_str(), "{path}");
        let ahead = desk.repo().compare(&desk.host.first, &pull.head_sha).await.unwrap().ahead_by;
        assert_eq!(ahead, 1, "{path}");
    }
}

#[tokio::test]
async fn a_publication_that_was_not_recorded_is_found_and_recorded() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    publish_with(&without_a_record(&desk), &id).await.unwrap_err();
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::QaRunning);
    let github = desk.github().await;
    assert_eq!(github["pulls"].as_array().unwrap().len(), 1);
    assert_eq!(desk.publish(&id).await, Ok(PublishOutput::Published));
    assert_eq!(desk.github().await, github);
    assert_eq!(desk.world.trail(&id).await.last().unwrap(), "pr_published");
}

#[tokio::test]
async fn a_merge_that_was_not_answered_or_not_recorded_is_found_and_recorded() {
    for answered in [false, true] {
        let desk = Desk::start().await;
        let (id, _) = desk.approved().await;
        if answered {
            merge_with(&without_a_record(&desk), &id).await.unwrap_err();
        } else {
            desk.fail(1, "PUT", "/repos/*/merge", When::After, Outcome::Drop);
            let failure = merge_with(&desk.fragile(), &id).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Transient, "{failure}");
        }
        assert_eq!(desk.workflow(&id).await.state, WorkflowState::AwaitingPrApproval);
        let head = desk.repo().branch_head("main").await.unwrap();
        assert_ne!(head, desk.host.first);
        assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
        let after = desk.workflow(&id).await;
        assert_eq!((after.state, after.pr.unwrap().merge_sha), (WorkflowState::Merged, Some(head.clone())));
        assert_eq!(desk.repo().branch_head("main").await.unwrap(), head);
    }
}

#[tokio::test]
async fn a_conflict_that_was_not_recorded_is_found_again() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    desk.host.push("main", crate::desk::PATH, "eins\n").await;
    merge_with(&without_a_record(&desk), &id).await.unwrap_err();
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::AwaitingPrApproval);
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Conflict));
    assert_eq!(desk.workflow(&id).await.review_rounds, 1);
}

#[tokio::test]
async fn closing_comes_to_the_same_end_whatever_call_it_dies_at() {
    for (method, path, when) in [
        ("POST", "/repos/*/comments", When::After),
        ("PATCH", "/repos/*/pulls/*", When::Before),
        ("DELETE", "/repos/*", When::After),
    ] {
        let desk = Desk::start().await;
        let (id, pull) = desk.published().await;
        desk.decide(&id, GateKind::Pr, Verdict::Reject, Some("No.")).await;
        let rows = desk.world.everything().await;
        desk.fail(1, method, path, when, Outcome::Drop);
        let failure = close_with(&desk.fragile(), &id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{method}: {failure}");
        assert_eq!(desk.world.everything().await, rows, "{method}");

        assert_eq!(desk.close(&id).await, Ok(Done::Done));
        let github = desk.github().await;
        assert_eq!(github["pulls"][0]["state"], "closed", "{method}");
        assert_eq!(github["pulls"][0]["comments"], 1, "{method}");
        assert_eq!(github["branches"].get(&pull.branch), None, "{method}");
    }
}

#[tokio::test]
async fn a_closing_that_was_not_recorded_is_found_and_recorded() {
    let desk = Desk::start().await;
    let (id, _) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Reject, Some("No.")).await;
    close_with(&without_a_record(&desk), &id).await.unwrap_err();
    let github = desk.github().await;
    assert_eq!(github["pulls"][0]["state"], "closed");
    assert_eq!(desk.close(&id).await, Ok(Done::Done));
    assert_eq!(desk.github().await, github);
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::PrClosed);
}

//! A base branch that moved under the pull request.

use domain::WorkflowState;
use domain::budget::Phase;
use domain::gate::{GateKind, Verdict};
use domain::steps::MergeOutput;
use domain::workflow::RoundLimits;

use crate::desk::{Desk, PATH};

#[tokio::test]
async fn a_conflict_goes_back_to_the_agent_and_the_next_round_merges() {
    let desk = Desk::start().await;
    let (id, first) = desk.approved().await;
    let base = desk.host.push("main", PATH, "eins\n").await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Conflict));
    let after = desk.workflow(&id).await;
    assert_eq!((after.state, after.attempt.get(), after.phase), (WorkflowState::Executing, 2, Phase::Review));
    assert!(after.run_feedback.unwrap().contains(base.as_str()));
    assert_eq!(desk.github().await["pulls"][0]["state"], "open");

    let (rows, github) = (desk.world.everything().await, desk.github().await);
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Conflict), "its answer was lost");
    assert_eq!((desk.world.everything().await, desk.github().await), (rows, github));

    desk.attempt(&id, &base, "zwei\n").await;
    desk.publish(&id).await.unwrap();
    desk.decide(&id, GateKind::Pr, Verdict::Approve, None).await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Merged));
    let merged = desk.pull(&id).await;
    assert_eq!((merged.number, merged.merge_sha.as_ref()), (first.number, Some(&head(&desk).await)));
    assert_eq!(desk.text(&head(&desk).await).await, "zwei\n");
}

#[tokio::test]
async fn a_conflict_without_a_round_left_ends_with_a_closed_pull_request() {
    let desk = Desk::start().await;
    let id = desk.tested_with(RoundLimits { review_rounds: 0, ..RoundLimits::default() }).await;
    desk.publish(&id).await.unwrap();
    desk.decide(&id, GateKind::Pr, Verdict::Approve, None).await;
    let base = desk.host.push("main", PATH, "eins\n").await;
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed));
    let after = desk.workflow(&id).await;
    assert_eq!(after.state, WorkflowState::PrClosed);
    assert!(after.reason.unwrap().contains("limit of 0 rounds"));
    let github = desk.github().await;
    assert_eq!(github["pulls"][0]["state"], "closed");
    assert_eq!(github["branches"].as_object().unwrap().len(), 1);
    assert_eq!(head(&desk).await, base);
    assert_eq!(desk.merge(&id).await, Ok(MergeOutput::Closed));
}

async fn head(desk: &Desk) -> domain::CommitSha {
    desk.repo().branch_head("main").await.unwrap()
}

//! Closing the pull request of a workflow that ends without a merge.

use domain::WorkflowState;
use domain::gate::{GateKind, Verdict};
use domain::steps::Done;
use domain::workflow::Event;
use github_sim::MergeMethod;
use testkit::Functions;

use crate::desk::Desk;

#[tokio::test]
async fn it_is_closed_with_the_reason_and_the_branch_goes() {
    for (verdict, comment, said) in [
        (Verdict::Reject, Some("Not like this."), "Not like this."),
        (Verdict::Expire, None, "Nobody decided"),
        (Verdict::Approve, None, "what GitHub requires for a merge did not come about in time"),
    ] {
        let desk = Desk::start().await;
        let (id, pull) = desk.published().await;
        desk.decide(&id, GateKind::Pr, verdict, comment).await;
        assert_eq!(desk.close(&id).await, Ok(Done::Done));
        let after = desk.workflow(&id).await;
        assert_eq!(after.state, WorkflowState::PrClosed);
        assert!(after.reason.unwrap().contains(said), "{said}");
        let github = desk.github().await;
        assert_eq!(github["pulls"][0]["state"], "closed");
        assert_eq!(github["branches"].get(&pull.branch), None);

        let rows = desk.world.everything().await;
        assert_eq!(desk.close(&id).await, Ok(Done::Done));
        assert_eq!((desk.world.everything().await, desk.github().await), (rows, github));
        let comments = desk.repo().comments(pull.number).await.unwrap();
        assert!(comments.len() == 1 && comments[0].body.contains(said), "{comments:?}");
    }
}

#[tokio::test]
async fn a_cancelled_ticket_closes_it_and_ends_by_its_last_step() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    desk.world.tell(&id, [Event::CancelRequested { reason: "out of scope".to_owned() }]).await;
    let rows = desk.world.everything().await;
    for _ in 0..2 {
        assert_eq!(desk.close(&id).await, Ok(Done::Done));
    }
    assert_eq!(desk.world.everything().await, rows, "the end is recorded where every workflow's is");
    assert_eq!(desk.github().await["pulls"][0]["state"], "closed");
    let comments = desk.repo().comments(pull.number).await.unwrap();
    assert!(comments.len() == 1 && comments[0].body.contains("The ticket was cancelled: out of scope"));
}

#[tokio::test]
async fn a_branch_with_somebody_elses_commit_stays() {
    let desk = Desk::start().await;
    let (id, pull) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Reject, None).await;
    let theirs = desk.host.push(&pull.branch, "README.md", "# By hand\n").await;
    desk.close(&id).await.unwrap();
    let github = desk.github().await;
    assert_eq!(
        (&github["pulls"][0]["state"], &github["branches"][&pull.branch]),
        (&"closed".into(), &theirs.as_str().into())
    );
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::PrClosed);
}

#[tokio::test]
async fn what_a_person_closed_needs_no_word_and_what_a_person_merged_is_merged() {
    let desk = Desk::start().await;
    let (id, pull) = desk.approved().await;
    desk.host.sim.close(&desk.host.name, pull.number, Some("alice")).await.unwrap();
    desk.close(&id).await.unwrap();
    assert_eq!(desk.workflow(&id).await.state, WorkflowState::PrClosed);
    assert!(desk.repo().comments(pull.number).await.unwrap().is_empty());

    let desk = Desk::start().await;
    let (id, pull) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Reject, Some("No.")).await;
    let merged = desk.host.sim.merge(&desk.host.name, pull.number, Some("alice"), MergeMethod::Merge).await.unwrap();
    desk.close(&id).await.unwrap();
    let after = desk.workflow(&id).await;
    assert_eq!(after.state, WorkflowState::Merged);
    assert_eq!(after.pr.unwrap().merge_sha.unwrap().as_str(), merged.as_str());
    let rows = desk.world.everything().await;
    assert_eq!(desk.close(&id).await, Ok(Done::Done), "nothing is left to close");
    assert_eq!(desk.world.everything().await, rows);
}

#[tokio::test]
async fn without_a_pull_request_there_is_nothing_to_do() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    assert_eq!(desk.close(&id).await, Ok(Done::Done));
    assert!(desk.functions.calls(Functions::GITHUB_AUTH).is_empty() && desk.host.sim.calls().is_empty());
}

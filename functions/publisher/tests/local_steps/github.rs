//! A GitHub that is down, that wants us to wait, or that says no. Whatever it is, the tables stay as they are, and the
//! step can be run again.

use domain::failure::FailureKind::{GithubRefused, Transient};
use domain::gate::{GateKind, Verdict};
use domain::steps::{Done, MergeOutput, PublishOutput};
use domain::{WorkflowState, failure::Failure};
use github_sim::{Outcome, When};
use serde_json::json;

use crate::desk::Desk;

fn answer(status: u16, message: &str, headers: &[(&str, &str)]) -> Outcome {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Outcome::Answer { status, headers, body: json!({ "message": message }) }
}

/// Lets one call of a step end in every bad way, one run each; then once in one that is passed over.
async fn trouble<A>(desk: &Desk, method: &str, path: &str, run: impl AsyncFn() -> Result<A, Failure>) -> A {
    let rows = desk.world.everything().await;
    let reset = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")];
    for (outcome, tries, kind, said) in [
        (answer(503, "Unavailable", &[]), 2, Transient, "GitHub did not answer"),
        (answer(403, "Slow down.", &[("retry-after", "3600")]), 1, Transient, "GitHub's rate limit stopped"),
        (answer(403, "API rate limit exceeded", &reset), 1, Transient, "until 2100-01-01T00:00:00Z"),
        (answer(403, "Not accessible by integration", &[]), 1, GithubRefused, "Not accessible by integration"),
    ] {
        desk.fail(tries, method, path, When::Before, outcome);
        let failure = run().await.map(drop).unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(said), "{failure}");
        assert_eq!(desk.host.sim.faults().last().unwrap().fired, tries, "{said}: nobody is hammered");
        assert_eq!(desk.world.everything().await, rows, "{said}");
    }
    desk.fail(1, method, path, When::Before, answer(502, "Bad Gateway", &[]));
    let answer = run().await.unwrap();
    assert_eq!(desk.host.sim.faults().last().unwrap().fired, 1);
    assert_eq!(desk.github().await["pulls"].as_array().unwrap().len(), 1);
    answer
}

#[tokio::test]
async fn while_we_publish() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let output = trouble(&desk, "POST", "/repos/*/pulls", async || desk.publish(&id).await).await;
    assert_eq!((output, desk.workflow(&id).await.state), (PublishOutput::Published, WorkflowState::PrCreated));
}

#[tokio::test]
async fn while_we_merge() {
    let desk = Desk::start().await;
    let (id, _) = desk.approved().await;
    let output = trouble(&desk, "PUT", "/repos/*/merge", async || desk.merge(&id).await).await;
    assert_eq!((output, desk.workflow(&id).await.state), (MergeOutput::Merged, WorkflowState::Merged));
}

#[tokio::test]
async fn while_we_close() {
    let desk = Desk::start().await;
    let (id, pull) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Reject, Some("No.")).await;
    let output = trouble(&desk, "PATCH", "/repos/*/pulls/*", async || desk.close(&id).await).await;
    assert_eq!((output, desk.workflow(&id).await.state), (Done::Done, WorkflowState::PrClosed));
    assert_eq!(desk.repo().comments(pull.number).await.unwrap().len(), 1);
}

//! A person's token, which is for local stacks only.

use domain::failure::FailureKind;
use github_sim::NewRepo;
use serde_json::{Value, json};
use testkit::CodeHost;

use crate::desk::{Desk, WRITE};

fn personal(token: &str) -> Value {
    json!({ "kind": "token", "token": token })
}

#[tokio::test]
async fn a_deployment_refuses_it_and_does_not_even_try_it() {
    let desk = Desk::start_with(WRITE, &personal(CodeHost::TOKEN), |_| {}).await;
    let failure = desk.ask("acme/web").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(failure.message.contains("GitHub App") && !failure.message.contains(CodeHost::TOKEN), "{failure}");
    assert!(desk.host.sim.calls().is_empty());
}

#[tokio::test]
async fn a_local_stack_hands_it_on_after_a_look_each_time() {
    let allow = |context: &mut github_auth::Context| context.config.allow_personal_token = true;
    let desk = Desk::start_with(WRITE, &personal(CodeHost::TOKEN), allow).await;
    for calls in 1..=2 {
        let answer = desk.ask("acme/web").await.unwrap();
        assert_eq!(answer.token, CodeHost::TOKEN);
        assert_eq!(answer.expires_at.duration_since(desk.opened).as_secs(), 3_600);
        assert_eq!((desk.host.sim.calls().len(), desk.minted()), (calls, 0));
    }
    let failure = desk.ask("acme/nothing").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::RepositoryUnavailable);
}

#[tokio::test]
async fn one_that_ended_is_refused_and_not_repeated() {
    let allow = |context: &mut github_auth::Context| context.config.allow_personal_token = true;
    let desk = Desk::start_with(WRITE, &personal("ghp_revoked"), allow).await;
    desk.host.sim.create_repo(NewRepo::new("acme", "more")).await.unwrap();
    let failure = desk.ask("acme/more").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(!failure.message.contains("ghp_revoked"), "{failure}");
}

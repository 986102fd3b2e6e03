//! When there is no token, and what the caller hears.

use std::collections::BTreeMap;

use domain::failure::FailureKind;
use github_sim::{AppKey, Fault, NewRepo, Outcome, When};
use runtime::Secrets;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::CodeHost;

use crate::desk::{Desk, WRITE};

#[tokio::test]
async fn a_repository_that_we_do_not_see_is_unavailable_until_we_do() {
    let desk = Desk::start(WRITE).await;
    let mut hidden = NewRepo::new("acme", "hidden");
    hidden.app_installed = false;
    desk.host.sim.create_repo(hidden).await.unwrap();
    for repository in ["acme/hidden", "acme/nothing", "nobody/web"] {
        let failure = desk.ask(repository).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::RepositoryUnavailable, "{failure}");
        assert!(failure.message.contains(repository), "{failure}");
    }
    assert_eq!(desk.minted(), 0);
    desk.host.sim.create_repo(NewRepo::new("acme", "nothing").file("a", "a")).await.unwrap();
    desk.ask("acme/nothing").await.unwrap();
}

#[tokio::test]
async fn a_number_and_a_key_that_do_not_belong_together_are_the_secrets_fault() {
    let other = AppKey::generate().unwrap();
    let (mut wrong_key, mut wrong_number) = (CodeHost::credentials(), CodeHost::credentials());
    wrong_key["private_key"] = other.private_pem.expose_secret().into();
    wrong_number["app_id"] = (CodeHost::APP_ID + 1).into();
    for credentials in [wrong_key, wrong_number] {
        let desk = Desk::start_with(WRITE, &credentials, |_| {}).await;
        let failure = desk.ask("acme/web").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GithubRefused, "{failure}");
        assert!(failure.message.contains("do not belong together"), "{failure}");
        assert!(!failure.message.contains("PRIVATE KEY"), "{failure}");
    }
}

#[tokio::test]
async fn a_secret_of_another_form_is_never_repeated() {
    let unreadable = json!({ "kind": "app", "app_id": 1, "private_key": "classified" });
    for credentials in [json!("classified"), json!({ "kind": "classified" }), unreadable] {
        let desk = Desk::start_with(WRITE, &credentials, |_| {}).await;
        let failure = desk.ask("acme/web").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal, "{failure}");
        assert!(!failure.message.contains("classified"), "{failure}");
        assert!(desk.host.sim.calls().is_empty());
    }
}

#[tokio::test]
async fn secrets_manager_may_be_down_for_a_while_but_not_without_the_secret() {
    let desk = Desk::start_with(WRITE, &CodeHost::credentials(), |context| {
        context.config.credentials_secret.push_str("-of-another-name");
    })
    .await;
    assert_eq!(desk.ask("acme/web").await.unwrap_err().kind, FailureKind::Internal);

    let nowhere = desk.world.unreachable();
    let desk = Desk::start_with(WRITE, &CodeHost::credentials(), |context| {
        context.secrets = Secrets::from_config(&nowhere);
    })
    .await;
    assert_eq!(desk.ask("acme/web").await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn trouble_at_github_passes() {
    let limit = BTreeMap::from([("retry-after".to_owned(), "60".to_owned())]);
    for (status, headers) in [(503, BTreeMap::new()), (403, limit)] {
        for path in ["/repos/*/installation", "/app/installations/*/access_tokens"] {
            let desk = Desk::start(WRITE).await;
            desk.host.sim.inject(Fault {
                method: None,
                path: path.to_owned(),
                times: 2,
                skip: 0,
                delay_ms: 0,
                when: When::Before,
                outcome: Outcome::Answer { status, headers: headers.clone(), body: Value::Null },
                fired: 0,
            });
            let failure = desk.ask("acme/web").await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Transient, "{path}: {failure}");
            let waited_for = if status == 403 { 1 } else { 2 };
            assert_eq!(desk.host.sim.faults()[0].fired, waited_for, "{path}");
        }
    }
}

#[tokio::test]
async fn a_request_that_asks_for_more_is_no_request() {
    let desk = Desk::start(WRITE).await;
    for (request, field) in [
        (json!({ "repository": "acme" }), "repository"),
        (json!({ "repository": "acme/web", "permissions": { "contents": "admin" } }), "permissions"),
        (json!({ "repository": "acme/web", "rejected": "ghs_x" }), "rejected"),
        (json!({}), "repository"),
    ] {
        let failure = desk.send(desk.opened, &request).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput, "{failure}");
        assert!(failure.message.contains(field), "{failure}");
    }
    assert_eq!(desk.minted(), 0);
}

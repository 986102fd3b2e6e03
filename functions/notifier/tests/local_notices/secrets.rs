//! Secrets that cannot be used.

use domain::failure::FailureKind;
use runtime::Secrets;
use serde_json::{Value, json};
use testkit::sample::now;

use crate::office::Office;

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_told_without_its_value() {
    let mut office = Office::start().await;
    let good = office.config.clone();
    let gone = "arn:aws:secretsmanager:us-east-1:000000000000:secret:gone".to_owned();
    let made = |value: Value| office.world.secret(&value);
    let tokens = [made(json!({ "token": "" })), made(json!({ "tokens": "lens-hidden" })), gone];
    let tokens = tokens.map(|arn| notifier::Config { flux_lens_token_secret_arn: arn, ..good.clone() });
    for config in tokens {
        let failure = config.access(&Secrets::from_config(&office.world.aws), &office.world.store).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal, "{failure}");
        assert!(!failure.message.contains("hidden"), "{failure}");
    }
    let failure =
        good.access(&Secrets::from_config(&office.world.unreachable()), &office.world.store).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient, "{failure}");

    // A token that the tracker does not know.
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    office.config.flux_lens_token_secret_arn = office.world.secret(&json!({ "token": "another" }));
    assert_eq!(office.deliver_by(&office.notifier(), now).await, 2, "what is for the tracker waits for its token");
    office.config = good;
    assert_eq!((office.deliver().await, office.comments().len()), (0, 1));
}

#[tokio::test]
async fn what_this_function_holds_is_noted_as_fingerprints() {
    let office = Office::start().await;
    let token = "fl-token-0123456789abcdef";
    let config = notifier::Config {
        flux_lens_token_secret_arn: office.world.secret(&json!({ "token": token })),
        ..office.config.clone()
    };
    config.access(&Secrets::from_config(&office.world.aws), &office.world.store).await.unwrap();
    let known = office.world.store.known_secrets().await.unwrap();
    assert_eq!(known.find(token.as_bytes()), Some("the tracker's token"));
}

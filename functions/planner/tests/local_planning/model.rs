//! Models that do not answer, or not usefully.

use std::time::Instant;

use domain::budget::Budget;
use domain::failure::FailureKind;
use domain::steps::PlanOutput;
use serde_json::{Value, json};

use crate::studio::{Studio, TURN, calls, plan_until, says, submits};

/// An error that asks to come back after so many seconds.
fn error(status: u16, seconds: u32) -> Value {
    json!({ "for": "plan", "status": status, "headers": { "retry-after": seconds.to_string() } })
}

fn for_ever(mut line: Value) -> Value {
    line["repeat"] = true.into();
    line
}

#[tokio::test]
async fn what_a_model_does_wrong_has_a_name_and_leaves_no_spec() {
    let words = || says(&[json!({ "text": "Certainly! I would change the constant." })]);
    let refusal = json!({ "for": "plan", "respond": [{ "text": "I will not." }], "stop": "refusal" });
    let read = || calls("read_file", &json!({ "path": "src/app.js" }));
    for (script, asked, kind, word) in [
        (error(503, 3_600), 1, FailureKind::ModelUnavailable, "HTTP 503"),
        (error(429, 3_600), 1, FailureKind::ModelUnavailable, "limits our rate"),
        (error(401, 0), 1, FailureKind::ModelUnavailable, "HTTP 401"),
        (for_ever(words()), 3, FailureKind::ModelNonsense, "I would change the constant"),
        (refusal, 1, FailureKind::ModelNonsense, "I will not."),
        (for_ever(submits("Longer", "src/none.js")), 4, FailureKind::ModelNonsense, "sent back 3 times"),
        (for_ever(calls("submit_spec", &json!({ "title": 7 }))), 4, FailureKind::ModelNonsense, "sent back 3 times"),
        (for_ever(read()), 20, FailureKind::BudgetExceeded, "20 of 20 model calls made"),
    ] {
        let studio = Studio::start().await;
        studio.script(&[script]);
        let id = studio.begin().await.id;
        let failure = studio.plan(&id).await.unwrap_err();
        assert_eq!((failure.kind, studio.asked().len()), (kind, asked), "{failure}");
        assert!(failure.message.contains(word), "{failure}");
        studio.nothing_is_planned(&id, 1).await;
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_seen_outside() {
    let studio = Studio::start().await;
    studio.script(&[error(529, 0), error(429, 0), submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    assert_eq!(studio.asked().len(), 3);
    assert_eq!(studio.world.workflow(&id).await.ledger.plan, TURN, "only answers cost");
}

#[tokio::test]
async fn money_and_tokens_are_limits_like_turns() {
    let budget = Budget { max_tokens: 1_000_000, max_micro_usd: 5_000_000, max_turns: 20 };
    for (budget, word) in [
        (Budget { max_tokens: 2_200, ..budget }, "2200 of 2200 tokens used"),
        (Budget { max_micro_usd: 3_000, ..budget }, "spent"),
    ] {
        let mut studio = Studio::start().await;
        studio.context.config.budget = budget;
        studio.script(&[for_ever(calls("list_files", &json!({})))]);
        let id = studio.begin().await.id;
        let failure = studio.plan(&id).await.unwrap_err();
        assert_eq!((failure.kind, studio.asked().len()), (FailureKind::BudgetExceeded, 2), "{failure}");
        assert!(failure.message.contains(word), "{failure}");
        studio.nothing_is_planned(&id, 1).await;
    }
}

#[tokio::test]
async fn after_the_deadline_no_model_is_asked() {
    let studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    let failure = plan_until(&studio.context, &id, Instant::now()).await.unwrap_err();
    assert_eq!((failure.kind, studio.asked().len()), (FailureKind::BudgetExceeded, 0), "{failure}");
    studio.nothing_is_planned(&id, 1).await;
}

#[tokio::test]
async fn a_key_that_is_missing_or_unreadable_is_told_without_its_value() {
    let mut studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    let gone = "arn:aws:secretsmanager:us-east-1:000000000000:secret:gone".to_owned();
    for secret in [Some(studio.world.secret(&json!({ "apikey": "sk-hidden" }))), Some(gone), None] {
        studio.context.config.model_secret = secret;
        let failure = studio.plan(&id).await.unwrap_err();
        assert_eq!((failure.kind, studio.asked().len()), (FailureKind::Internal, 0), "{failure}");
        assert!(!failure.message.contains("sk-hidden"), "{failure}");
    }
    studio.nothing_is_planned(&id, 3).await;
}

//! What is not published.

use std::fmt::Write as _;

use domain::failure::FailureKind;
use domain::gate::{GateKind, Verdict};
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::inbound::SecretOwner;
use domain::secrets::fingerprints;
use domain::workflow::RoundLimits;
use serde_json::{Value, json};
use store::keys::objects;
use testkit::Functions;
use testkit::archive::{File, pack};
use testkit::sample::{at, ticket};

use crate::desk::{Desk, PATH};

/// How often GitHub was written to.
fn writes(desk: &Desk) -> usize {
    desk.host.sim.calls().iter().filter(|call| call.method != "GET" && !call.path.contains("access_tokens")).count()
}

#[tokio::test]
async fn anything_but_what_was_approved_verified_and_tested() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let rows = desk.world.everything().await;
    let evil = pack(&id, Attempt::FIRST, &desk.host.first, &[File { path: PATH, text: "evil\n", existed: true }]);
    let spec = objects::spec_json(&id, Revision::FIRST);
    let mut other: Value = serde_json::from_slice(&desk.world.objects.get(&spec, 1 << 20).await.unwrap()).unwrap();
    other["files"][0]["path"] = "src/secrets.js".into();
    let mut messages = String::new();
    for (key, content) in [
        (objects::verified(&id, Attempt::FIRST), evil),
        (objects::qa_json(&id, Attempt::FIRST), b"{}".to_vec()),
        (spec, serde_json::to_vec(&other).unwrap()),
    ] {
        let good = desk.world.objects.get(&key, 1 << 20).await.unwrap();
        desk.put(&key, content).await;
        let failure = desk.publish(&id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Inconsistent, "{key}");
        writeln!(messages, "{}", failure.message).unwrap();
        desk.put(&key, good).await;
    }
    insta::assert_snapshot!(messages, @r"
    the stored change set is not the one that was verified
    the stored QA report is not the one that passed
    the stored SPEC is not the one that was approved
    ");
    assert_eq!(writes(&desk), 0);
    assert_eq!(desk.world.everything().await, rows);
    desk.publish(&id).await.unwrap();
}

#[tokio::test]
async fn a_secret_of_this_deployment_in_any_file_or_text() {
    let desk = Desk::start().await;
    let in_file = "0123456789abcdef-in-a-file";
    let id = desk.tested_as(&format!("const key = '{in_file}';\n"), RoundLimits::default()).await;
    let workflow = desk.workflow(&id).await;
    let branch = format!("pi-tickets/fl-1-{}", id.short());
    for (owner, secret, told) in [
        (SecretOwner::Webhook, in_file, "contains the secret"),
        (SecretOwner::Notifier, workflow.ticket.title.as_str(), "contains the secret"),
        (SecretOwner::Console, branch.as_str(), "the branch's name contains the secret"),
    ] {
        let known = fingerprints("the secret", secret, [7; 16]);
        assert!(!known.is_empty(), "{secret}");
        desk.world.store.put_known_secrets(owner, known).await.unwrap();
        let failure = desk.publish(&id).await.unwrap_err();
        assert!(failure.message.contains(told) && !failure.message.contains(secret), "{failure}");
        let other = fingerprints("the secret", "of another deployment", [7; 16]);
        desk.world.store.put_known_secrets(owner, other).await.unwrap();
    }
    assert_eq!(writes(&desk), 0);
    desk.publish(&id).await.unwrap();
}

#[tokio::test]
async fn on_top_of_somebody_elses_commit() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    let branch = format!("pi-tickets/fl-1-{}", id.short());
    let theirs = desk.host.push(&branch, "README.md", "# By hand\n").await;
    let rows = desk.world.everything().await;
    for _ in 0..2 {
        let failure = desk.publish(&id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GithubRefused);
        assert!(failure.message.contains(theirs.as_str()) && failure.message.contains(&branch), "{failure}");
    }
    assert_eq!(desk.github().await["branches"][&branch], theirs.as_str());
    assert_eq!(desk.github().await["pulls"], json!([]));
    assert_eq!(desk.world.everything().await, rows);
}

#[tokio::test]
async fn a_round_over_somebody_elses_commit() {
    let desk = Desk::start().await;
    let (id, first) = desk.published().await;
    desk.decide(&id, GateKind::Pr, Verdict::Revise, Some("More.")).await;
    desk.attempt(&id, &desk.host.first, "zwei\n").await;
    let theirs = desk.host.push(&first.branch, "README.md", "# By hand\n").await;
    let failure = desk.publish(&id).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(failure.message.contains(theirs.as_str()), "{failure}");
    assert_eq!(desk.github().await["branches"][&first.branch], theirs.as_str());
    assert_eq!(desk.pull(&id).await, first);
}

#[tokio::test]
async fn a_round_for_a_pull_request_that_somebody_closed_or_merged() {
    for merged in [false, true] {
        let desk = Desk::start().await;
        let (id, first) = desk.published().await;
        desk.decide(&id, GateKind::Pr, Verdict::Revise, Some("More.")).await;
        desk.attempt(&id, &desk.host.first, "zwei\n").await;
        let (sim, name) = (&desk.host.sim, &desk.host.name);
        if merged {
            sim.merge(name, first.number, Some("alice"), github_sim::MergeMethod::Merge).await.unwrap();
        } else {
            sim.close(name, first.number, Some("alice")).await.unwrap();
        }
        let (rows, github) = (desk.world.everything().await, desk.github().await);
        let failure = desk.publish(&id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GithubRefused);
        let done = if merged { "was merged on GitHub" } else { "was closed on GitHub" };
        assert!(failure.message.contains(done), "{failure}");
        assert_eq!((desk.world.everything().await, desk.github().await), (rows, github));
    }
}

#[tokio::test]
async fn over_somebody_elses_pull_request_from_our_branch() {
    let desk = Desk::start().await;
    let id = desk.tested().await;
    // The branch is there, as after a crash, and somebody was faster with the pull request.
    desk.fail(1, "POST", "/repos/*/pulls", github_sim::When::Before, github_sim::Outcome::Drop);
    let context = desk.fragile();
    crate::desk::publish_with(&context, &id).await.unwrap_err();
    let new = ::github::NewPull {
        title: "Mine".to_owned(),
        body: String::new(),
        head: format!("pi-tickets/fl-1-{}", id.short()),
        base: "main".to_owned(),
    };
    desk.repo().create_pull(&new).await.unwrap();
    let failure = desk.publish(&id).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(failure.message.contains("somebody else opened the pull request #"), "{failure}");
    assert_eq!(desk.github().await["pulls"][0]["title"], "Mine");
}

#[tokio::test]
async fn a_step_out_of_turn_and_what_is_no_step() {
    let desk = Desk::start().await;
    let pending = desk.world.begin(&ticket("FL-2")).await.id;
    let tested = desk.tested().await;
    let published = desk.world.published(&ticket("FL-3"), &desk.host.first).await.id;
    let unknown = WorkflowId::derive(&TicketKey::flux_lens("FL-4"), Generation::FIRST);
    let rows = desk.world.everything().await;
    assert_eq!(desk.publish(&pending).await.unwrap_err().kind, FailureKind::Superseded);
    assert_eq!(desk.merge(&tested).await.unwrap_err().kind, FailureKind::Superseded);
    assert_eq!(desk.merge(&published).await.unwrap_err().kind, FailureKind::Superseded, "nobody has approved it");
    assert_eq!(desk.publish(&unknown).await.unwrap_err().kind, FailureKind::Inconsistent);
    for payload in [json!({ "step": "force_push", "workflow_id": tested }), json!({ "step": "merge" }), json!(null)] {
        let failure = publisher::handle(&desk.context, payload, at(600)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput);
    }
    assert_eq!(desk.world.everything().await, rows);
    assert!(desk.functions.calls(Functions::GITHUB_AUTH).is_empty() && desk.host.sim.calls().is_empty());
}

//! Bad input of every sort: each has a clear outcome at the edge, in the workflow and in the ticket.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::WorkflowState;
use domain::failure::FailureKind;
use flux_lens_sim::{EventKind, Forgery, SignatureKind};
use github_sim::{Fault, Outcome};
use serde_json::{Value, json};

use crate::world::{World, small, spec, ticket, workflow_id};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_has_clear_outcomes() {
    let world = World::start("bad-input", &BTreeMap::new()).await;
    what_the_edge_refuses(&world).await;
    github_is_checked_too(&world).await;
    a_second_delivery_changes_nothing(&world).await;
    // Whoever is tried again and again keeps nobody else waiting.
    tokio::join!(
        a_repository_that_does_not_exist(&world),
        a_repository_that_cannot_be_reached(&world),
        a_model_that_is_down(&world),
        a_model_that_answers_nonsense(&world),
        an_agent_that_changes_nothing(&world),
    );
    world.stop().await;
}

/// A good `ticket.created` about a ticket that nobody may hear of.
fn delivery(ticket: &Value) -> Value {
    json!({"event": "ticket.created", "ticket": ticket})
}

fn whole(id: &str) -> Value {
    let mut ticket = ticket(id, "acme/edge");
    let more = json!({"version": 1, "updated_at": "2026-11-22T10:00:00Z", "url": "https://lens.example/t/1",
        "priority": "normal", "labels": [], "reporter": {"id": "u-1", "email": "ann@acme.example"}, "assignee": null});
    let more = more.as_object().unwrap().clone();
    ticket.as_object_mut().unwrap().extend(more);
    ticket
}

async fn what_the_edge_refuses(world: &World) {
    let good = delivery(&whole("EDGE-1"));
    let mut without_title = good.clone();
    without_title["ticket"].as_object_mut().unwrap().remove("title");
    let unknown_event = json!({"event": "ticket.exploded", "ticket": whole("EDGE-1")});
    let forgery = |body: &Value| Forgery { body: body.clone(), ..Forgery::default() };
    let cases = [
        ("a wrong key", Forgery { signature: SignatureKind::WrongKey, ..forgery(&good) }, 401, ""),
        ("garbage as signature", Forgery { signature: SignatureKind::Garbage, ..forgery(&good) }, 401, ""),
        ("no signature", Forgery { signature: SignatureKind::Missing, ..forgery(&good) }, 401, ""),
        ("an old timestamp", Forgery { age_s: 301, ..forgery(&good) }, 401, ""),
        ("a timestamp in the future", Forgery { age_s: -301, ..forgery(&good) }, 401, ""),
        ("a body over the limit", Forgery { pad_to: 256 * 1024 + 1, ..forgery(&good) }, 413, "262144"),
        ("no JSON", forgery(&Value::String("{\"event\":".to_owned())), 400, ""),
        ("a missing field", forgery(&without_title), 400, "title"),
        ("an unknown event", forgery(&unknown_event), 400, "event"),
    ];
    for (what, forgery, status, text) in cases {
        let answers = world.stack.flux_lens().forge(forgery).await.unwrap();
        assert_eq!(answers[0].status, Some(status), "{what}: {answers:?}");
        assert!(answers[0].body.contains(text), "{what}: {answers:?}");
        assert_eq!(status == 401, !answers[0].body.contains("detail"), "{what}: a forger learns nothing: {answers:?}");
    }
    assert!(!world.has_workflow("EDGE-1").await, "what was refused has started a workflow");
}

async fn github_is_checked_too(world: &World) {
    let url = format!("{}/webhooks/github", world.stack.url());
    let post = reqwest::Client::new().post(url).header("x-github-event", "pull_request");
    let post =
        post.header("x-github-delivery", "1").header("x-hub-signature-256", format!("sha256={}", "0".repeat(64)));
    assert_eq!(post.body("{}").send().await.unwrap().status(), 401);

    // The ping that came with the webhook's registration: signed, and of no interest to anybody.
    let github = world.stack.github().unwrap();
    github.deliveries_idle().await;
    let deliveries = github.deliveries();
    let ping = deliveries.iter().find(|delivery| delivery.event == "ping").unwrap();
    assert_eq!(ping.attempts.last().unwrap().status, Some(200), "{ping:?}");
}

async fn a_second_delivery_changes_nothing(world: &World) {
    let lines =
        [json!({"for": "plan", "respond": [{"tool": "decline_ticket", "input": {"reason": "It greets already."}}]})];
    let scenario = small(
        world.folder.path(),
        "TWICE-1",
        &lines,
        &json!([]),
        &json!({"state": "NOT_SUITABLE", "ticket": {"status": "Blocked"}}),
    );
    let played = world.play(&scenario).await;
    assert_eq!(played.differences, Vec::new());
    let tracker = world.stack.flux_lens();
    let before = tracker.state();
    let delivery = before.deliveries.iter().find(|d| d.ticket == "TWICE-1" && d.event == EventKind::Created).unwrap();
    let (id, attempts) = (delivery.id.clone(), delivery.attempts.len());
    assert!(tracker.redeliver(&id));
    let again = tracker.until(LIMIT, |state| {
        state.deliveries.iter().any(|delivery| delivery.id == id && delivery.attempts.len() > attempts)
    });
    let again = again.await.unwrap();
    let delivery = again.deliveries.iter().find(|delivery| delivery.id == id).unwrap();
    assert_eq!(delivery.attempts.last().unwrap().status, Some(202), "a copy is taken, so that it is not sent for ever");
    settled(world).await;
    let trail = world.stack.store().audit_trail(&workflow_id("TWICE-1")).await.unwrap();
    let states: Vec<_> = trail.iter().map(|entry| entry.to).collect();
    assert_eq!(states.iter().filter(|state| **state == WorkflowState::Planning).count(), 1, "{states:?}");
    let comments = |state: &flux_lens_sim::State| state.ticket("TWICE-1").unwrap().comments.len();
    assert_eq!(comments(&tracker.state()), comments(&before));
}

/// Waits until `intake` has taken everything out of its queue.
async fn settled(world: &World) {
    let started = std::time::Instant::now();
    while started.elapsed() < LIMIT {
        if world.stack.inbound_events().await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the inbound queue is not empty after {} s", LIMIT.as_secs());
}

/// Files a ticket whose repository has no scenario, and says how it ended.
async fn broken(world: &World, id: &str, repository: &str, kinds: &[FailureKind]) {
    world.stack.flux_lens().create(serde_json::from_value(ticket(id, repository)).unwrap()).unwrap();
    let workflow = world.end_of(id).await;
    assert_eq!(workflow.state, WorkflowState::Error, "{workflow:?}");
    let failure = workflow.failure.as_ref().unwrap();
    assert!(kinds.contains(&failure.kind), "{failure:?}");
    blocked(world, id, "Stopped").await;
}

/// The ticket says that somebody has to look, and why.
async fn blocked(world: &World, id: &str, text: &str) {
    let state = world.stack.flux_lens().until(LIMIT, |state| {
        let record = state.ticket(id).unwrap();
        record.status == flux_lens_sim::Status::Blocked && record.comments.iter().any(|c| c.body.contains(text))
    });
    state.await.unwrap();
}

async fn a_repository_that_does_not_exist(world: &World) {
    broken(world, "NOWHERE-1", "acme/nowhere", &[FailureKind::RepositoryUnavailable]).await;
}

async fn a_repository_that_cannot_be_reached(world: &World) {
    let github = world.stack.github().unwrap();
    github.create_repo(github_sim::NewRepo::new("acme", "away").file("a.txt", "a")).await.unwrap();
    let gone = json!({"path": "/repos/acme/away*", "times": 1_000_000});
    github.inject(Fault { outcome: Outcome::Drop, ..serde_json::from_value(gone).unwrap() });
    broken(world, "AWAY-1", "acme/away", &[FailureKind::RepositoryUnavailable, FailureKind::Transient]).await;
}

async fn a_model_that_is_down(world: &World) {
    let lines = [json!({"for": "plan", "status": 503, "respond": [{"text": "Overloaded"}], "repeat": true})];
    let expect = json!({"state": "ERROR", "reason_contains": "model", "ticket": {"status": "Blocked"}});
    let scenario = small(world.folder.path(), "DOWN-1", &lines, &json!([]), &expect);
    assert_eq!(world.play(&scenario).await.differences, Vec::new());
}

async fn a_model_that_answers_nonsense(world: &World) {
    let lines = [
        json!({"for": "plan", "respond": [{"tool": "submit_spec", "input": {"title": 7}}]}),
        json!({"for": "plan", "respond": [{"tool": "make_coffee", "input": {}}]}),
        json!({"for": "plan", "respond": [{"text": "I had rather not say."}], "repeat": true}),
    ];
    let expect =
        json!({"state": "ERROR", "spec_revisions": 0, "ticket": {"status": "Blocked"}, "pr": {"state": "none"}});
    let scenario = small(world.folder.path(), "NONSENSE-1", &lines, &json!([]), &expect);
    assert_eq!(world.play(&scenario).await.differences, Vec::new());
}

async fn an_agent_that_changes_nothing(world: &World) {
    let lines = [spec(), json!({"for": "code", "respond": [{"text": "Nothing to do."}], "repeat": true})];
    let decisions = json!([{"gate": "SPEC", "decision": "APPROVE", "via": "api"}]);
    let expect = json!({"state": "QA_FAILED", "attempts": 3, "changes": [], "reason_contains": "without changing any file",
        "never_states": ["QA_RUNNING"], "ticket": {"status": "Blocked"}, "pr": {"state": "none"}});
    let scenario = small(world.folder.path(), "IDLE-1", &lines, &decisions, &expect);
    assert_eq!(world.play(&scenario).await.differences, Vec::new());
}

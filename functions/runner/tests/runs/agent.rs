//! Mode `agent` with the real Pi and a scripted model.

use std::sync::Arc;

use crate::support::{MODEL_KEY, World};
use domain::budget::Budget;
use domain::change_set::Change;
use domain::task::{Provider, RunOutcome, Work};
use runner::disk::Space;
use serde_json::Value;

const DONE: &str = r#"{"for":"code","respond":[{"text":"I changed a.txt."}]}"#;
const EDIT: &str = r#"{"for":"code","respond":[{"tool":"edit","input":{"path":"src/a.txt","edits":[{"oldText":"old","newText":"new"}]}}],"usage":{"input":1000,"output":100}}"#;

fn agent(work: domain::task::AgentWork) -> Work {
    Work::Agent(Box::new(work))
}

/// What the model was told by its tools, in order.
fn tool_results(world: &World) -> Vec<String> {
    let requests = world.model.requests(None);
    let last = &requests.last().unwrap().body;
    let blocks =
        last["messages"].as_array().unwrap().iter().filter_map(|message| message["content"].as_array().cloned());
    let results = blocks.flatten().filter(|block| block["type"] == "tool_result");
    results.map(|block| block["content"].to_string()).collect()
}

#[tokio::test]
async fn the_approved_change_comes_back_as_a_change_set() {
    let write = r#"{"for":"code","respond":[{"tool":"write","input":{"path":"src/new.txt","content":"hello\n"}},{"tool":"bash","input":{"command":"touch build.log && git diff --stat"}}]}"#;
    let world = World::new(&[EDIT, write, DONE]).await;
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert_eq!(report.summary.as_deref(), Some("I changed a.txt."));
    assert_eq!(report.usage.turns, 3);
    assert!(report.usage.input_tokens >= 1_000 && report.usage.micro_usd >= 4_500, "{:?}", report.usage);

    let (manifest, texts) = world.changes(&report);
    let paths: Vec<_> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["src/a.txt", "src/new.txt"]);
    assert_eq!((texts["src/a.txt"].as_str(), texts["src/new.txt"].as_str()), ("new\n", "hello\n"));
    assert_eq!(manifest.dropped, ["build.log"]);
    assert!(tool_results(&world)[2].contains("src/a.txt"), "git diff shows the change: {:?}", tool_results(&world));
    assert!(String::from_utf8(world.store.get("session").unwrap()).unwrap().contains("I changed a.txt."));
    assert!(!std::path::Path::new("/tmp/pi-tickets-evil").exists(), "the repository's own extension ran");
}

#[tokio::test]
async fn openai_works_the_same() {
    let world = World::new(&[EDIT, DONE]).await;
    let mut work = world.agent_work();
    work.model = world.model_target(Provider::Openai);
    let report = world.run(&world.task(agent(work))).await;
    assert_eq!((report.outcome.clone(), report.usage.turns), (RunOutcome::Completed, 2));
    assert_eq!(world.changes(&report).1["src/a.txt"], "new\n");
}

#[tokio::test]
async fn writes_outside_the_spec_are_blocked_and_what_slips_through_is_told() {
    let outside = r#"{"for":"code","respond":[{"tool":"write","input":{"path":"src/b.txt","content":"x"}},{"tool":"edit","input":{"path":"../../escape","edits":[{"oldText":"a","newText":"b"}]}},{"tool":"bash","input":{"command":"echo x > src/c.txt; ln -s /etc/passwd link"}}]}"#;
    let world = World::new(&[outside, DONE]).await;
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    let results = tool_results(&world);
    assert!(results[0].contains("not in the approved SPEC") && results[0].contains("src/new.txt"), "{results:?}");
    assert!(results[1].contains("outside the repository"), "{results:?}");
    let (manifest, _) = world.changes(&report);
    let found: Vec<_> = manifest
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), matches!(entry.change, Change::Rejected { .. })))
        .collect();
    assert_eq!(found, [("link", true), ("src/c.txt", false)], "the shell is not stopped here, but by the verifier");
}

#[tokio::test]
async fn the_agent_sees_no_credential() {
    let dump = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"(env; tr '\\0' '\\n' < /proc/$PPID/environ; cat $PI_CODING_AGENT_DIR/*.json) > src/new.txt"}}]}"#;
    let world = World::new(&[dump, DONE]).await;
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    let seen = &world.changes(&report).1["src/new.txt"];
    assert!(seen.contains("PI_CODING_AGENT_DIR="), "the dump worked: {seen}");
    for secret in [MODEL_KEY, "presigned", "AWS_", "CARGO_PKG_NAME"] {
        assert!(!seen.contains(secret), "{secret} is visible");
    }
    let received = world.model.requests(None);
    let keys: Vec<&Value> = received.iter().map(|request| &request.body["model"]).collect();
    assert_eq!(keys, ["scripted-model", "scripted-model"]);
}

#[tokio::test]
async fn the_budget_ends_an_agent_that_never_stops() {
    let endless = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"echo again >> src/new.txt"}}],"usage":{"input":1000,"output":10},"repeat":true}"#;
    let world = World::new(&[endless]).await;
    let mut work = world.agent_work();
    work.budget = Budget { max_turns: 3, ..work.budget };
    let report = world.run(&world.task(agent(work))).await;
    assert_eq!(report.outcome, RunOutcome::BudgetExceeded { limit: "3 of 3 model calls made".to_owned() });
    assert_eq!(report.usage.turns, 3);
    assert_eq!(world.model.requests(None).len(), 3, "the provider is not asked beyond the budget");
    assert!(world.changes(&report).1.contains_key("src/new.txt"), "what was done is kept");
}

#[tokio::test]
async fn a_model_that_says_no_more_is_noticed() {
    let world = World::new(&[r#"{"for":"code","respond":[{"text":"Let me think."}],"stall":true}"#]).await;
    let mut task = world.task(agent(world.agent_work()));
    task.limits.silence_seconds = 2;
    let report = world.run(&task).await;
    assert_eq!(report.outcome, RunOutcome::Silent);
    assert!(report.usage.turns == 1 && report.changes.is_some(), "{report:?}");
}

#[tokio::test]
async fn a_run_that_fills_the_disk_is_ended_and_what_was_done_is_kept() {
    let fill = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"touch much.log; sleep 60"}}]}"#;
    let mut world = World::new(&[EDIT, fill]).await;
    world.host.measure = Arc::new(|folder| {
        let bytes = if folder.join("workspace/much.log").exists() { 0 } else { 1_000 };
        Ok(Space { bytes, files: None })
    });
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    assert_eq!(report.outcome, RunOutcome::DiskLimit);
    assert!(world.changes(&report).1.contains_key("src/a.txt"), "what was done is kept");
}

#[tokio::test]
async fn the_whole_time_is_limited() {
    let world = World::new(&[
        r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"while :; do echo x; sleep 0.2; done"}}]}"#,
    ])
    .await;
    let mut task = world.task(agent(world.agent_work()));
    task.limits.total_seconds = 3;
    assert_eq!(world.run(&task).await.outcome, RunOutcome::TimedOut);
}

#[tokio::test]
async fn a_provider_that_refuses_is_told_in_its_words() {
    let world = World::new(&[r#"{"for":"code","status":401,"respond":[{"text":"your account is closed"}]}"#]).await;
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    let RunOutcome::ModelFailed { message } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(message.contains("401") && message.contains("your account is closed"), "{message}");
}

#[tokio::test]
async fn the_agent_can_ask_for_more_files_which_ends_its_run() {
    let listed = r#"{"for":"code","respond":[{"tool":"request_scope_change","input":{"paths":["src/a.txt"],"reason":"It is wrong."}}]}"#;
    let ask = r#"{"for":"code","respond":[{"tool":"request_scope_change","input":{"paths":["src/b.txt"],"reason":"It is called there."}}]}"#;
    let world = World::new(&[EDIT, listed, ask, r#"{"for":"code","respond":[{"text":"Never asked for."}]}"#]).await;
    let report = world.run(&world.task(agent(world.agent_work()))).await;
    let expected = RunOutcome::ScopeChangeRequested {
        paths: vec!["src/b.txt".to_owned()],
        reason: "It is called there.".to_owned(),
    };
    assert_eq!(report.outcome, expected);
    assert_eq!(report.usage.turns, 3, "the run goes on after a request for a listed file and ends with the other");
    assert_eq!(world.changes(&report).1["src/a.txt"], "new\n", "what was done before is kept");
}

#[tokio::test]
async fn a_second_attempt_starts_from_the_first() {
    let world = World::new(&[EDIT, DONE]).await;
    let first = world.run(&world.task(agent(world.agent_work()))).await;
    let previous = world.put("previous", world.store.get("changes").unwrap());
    assert_eq!(Some(previous.digest), first.changes);

    let again = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"git diff > src/new.txt"}}]}"#;
    world.model.register("FL-1", "ticket: FL-1", &[again, DONE].join("\n")).unwrap();
    let mut work = world.agent_work();
    work.previous_changes = Some(previous);
    work.feedback = Some("The gate `test` failed.".to_owned());
    let report = world.run(&world.task(agent(work))).await;
    let (_, texts) = world.changes(&report);
    assert_eq!(texts["src/a.txt"], "new\n");
    assert!(texts["src/new.txt"].contains("-old\n+new"), "{texts:?}");
    assert!(world.model.requests(None).last().unwrap().body.to_string().contains("The gate `test` failed."));
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why() {
    let world = World::new(&[]).await;
    let mut work = world.agent_work();
    work.spec.text.title = "Another SPEC".to_owned();
    let report = world.run(&world.task(agent(work))).await;
    let RunOutcome::SetupFailed { message } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(message.contains("not the one that was approved"), "{message}");

    let mut task = world.task(agent(world.agent_work()));
    world.store.put("workspace", b"something else".to_vec());
    let report = world.run(&task).await;
    assert!(format!("{:?}", report.outcome).contains("another digest"), "{:?}", report.outcome);
    task.version = 99;
    let report = world.run(&task).await;
    assert!(format!("{:?}", report.outcome).contains("version 99"), "{:?}", report.outcome);
}

//! The supervisor against a stand-in for Pi: a shell script that speaks the protocol badly in one way each.

use std::process::Stdio;
use std::sync::Arc;

use domain::budget::{Budget, Prices};
use domain::task::RunKind;

use super::*;
use crate::disk::Space;
use crate::progress::tests::{Lines, progress};
use crate::testing::full_with;

const HELLO: &str = r#"read c; echo '{"id":"1","type":"response","success":true,"data":{"commands":[{"name":"pi-tickets-scope"}]}}'
read p; echo '{"id":"2","type":"response","success":true}'
"#;

async fn run_script(script: &str, watch: Watch, meter: Meter) -> (SessionEnd, Lines) {
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (progress, lines) = progress(RunKind::Agent);
    let tree = Tree::spawn(command).unwrap();
    (run(tree, "do it".to_owned(), &watch, &meter, &progress).await.unwrap(), lines)
}

fn patient() -> Watch {
    let deadline = Instant::now() + Duration::from_mins(1);
    let disk = DiskWatch::begin("/".into(), Arc::new(Space::at)).unwrap();
    Watch { silence: Duration::from_mins(1), disk, deadline, stop: CancellationToken::new() }
}

fn meter() -> Meter {
    Meter::new(Prices::default(), Budget { max_tokens: 100, max_micro_usd: 100, max_turns: 10 })
}

async fn outcome(script: &str, watch: Watch) -> RunOutcome {
    run_script(&format!("{HELLO}{script}"), watch, meter()).await.0.outcome
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let script = r#"echo '{"type":"tool_execution_start","toolCallId":"t","toolName":"bash","args":{"command":"npm   test"}}'
echo '{"type":"tool_execution_end","toolCallId":"t","toolName":"bash","isError":true}'
echo 'this is not a record'
echo '{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"Done."}],"stopReason":"stop"}}'
echo '{"type":"agent_settled"}'; read end; exit 0"#;
    let (end, lines) = run_script(&format!("{HELLO}{script}"), patient(), meter()).await;
    assert_eq!(end, SessionEnd { outcome: RunOutcome::Completed, summary: Some("Done.".to_owned()) });
    let tool = |failed| ProgressEvent::Tool { name: "bash".to_owned(), summary: "npm test".to_owned(), failed };
    let message = ProgressEvent::Message { text: "Done.".to_owned() };
    assert_eq!(lines.events(), [tool(None), tool(Some(true)), message]);
}

#[tokio::test]
async fn without_our_extension_nothing_is_prompted() {
    let script =
        r#"read c; echo '{"id":"1","type":"response","success":true,"data":{"commands":[]}}'; read p; echo "$p" >&2"#;
    let (end, _) = run_script(script, patient(), meter()).await;
    let RunOutcome::AgentCrashed { message } = end.outcome else { panic!("{:?}", end.outcome) };
    assert!(message.contains("did not load") && !message.contains("do it"), "{message}");
}

#[tokio::test]
async fn a_crash_is_told_with_its_last_words() {
    let RunOutcome::AgentCrashed { message } = outcome("echo 'out of memory' >&2; exit 3", patient()).await else {
        panic!("not a crash")
    };
    assert!(message.contains("out of memory"), "{message}");
}

#[tokio::test]
async fn silence_ends_the_run() {
    let watch = Watch { silence: Duration::from_millis(200), ..patient() };
    assert_eq!(outcome("sleep 600", watch).await, RunOutcome::Silent);
}

#[tokio::test]
async fn a_full_disk_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch { disk: full_with("much", folder.path()), ..patient() };
    let script = format!("touch {}/much; sleep 600", folder.path().display());
    assert_eq!(outcome(&script, watch).await, RunOutcome::DiskLimit);
}

#[tokio::test]
async fn chatter_does_not_go_on_for_ever() {
    let watch = Watch { deadline: Instant::now() + Duration::from_millis(500), ..patient() };
    assert_eq!(outcome(r#"while echo '{"type":"x"}'; do sleep 0.02; done"#, watch).await, RunOutcome::TimedOut);
}

#[tokio::test]
async fn a_stop_is_kept_even_when_pi_ignores_it() {
    let watch = patient();
    watch.stop.cancel();
    assert_eq!(outcome("trap '' TERM; sleep 600", watch).await, RunOutcome::Stopped);
}

#[tokio::test]
async fn a_failing_model_is_told_in_its_words() {
    let failing = r#"echo '{"type":"message_end","message":{"role":"assistant","content":[],"stopReason":"error","errorMessage":"400 bad"}}'; echo '{"type":"agent_settled"}'; read end"#;
    assert_eq!(outcome(failing, patient()).await, RunOutcome::ModelFailed { message: "400 bad".to_owned() });
}

/// A call of the request tool, as Pi tells of it.
fn request(error: bool) -> String {
    format!(
        r#"echo '{{"type":"message_end","message":{{"role":"assistant","content":[],"stopReason":"toolUse"}}}}'
echo '{{"type":"tool_execution_start","toolCallId":"t","toolName":"request_scope_change","args":{{"paths":["b.txt","c.txt"],"reason":"it is called there"}}}}'
echo '{{"type":"tool_execution_end","toolCallId":"t","toolName":"request_scope_change","result":{{}},"isError":{error}}}'
"#
    )
}

#[tokio::test]
async fn a_request_for_more_files_ends_the_run() {
    let expected = RunOutcome::ScopeChangeRequested {
        paths: vec!["b.txt".to_owned(), "c.txt".to_owned()],
        reason: "it is called there".to_owned(),
    };
    let settled = r#"echo '{"type":"agent_settled"}'; read end"#;
    assert_eq!(outcome(&format!("{}{settled}", request(false)), patient()).await, expected, "Pi ends by itself");
    let going_on = format!("{}read abort\n{settled}", request(false));
    assert_eq!(outcome(&going_on, patient()).await, expected, "Pi is told to end");
    let refused = format!("{}{settled}", request(true));
    assert_eq!(outcome(&refused, patient()).await, RunOutcome::Completed, "the extension refused it");
}

#[tokio::test]
async fn the_budget_ends_the_run() {
    let meter = meter();
    let mut call = meter.begin(1).unwrap();
    call.answered();
    call.add(None, 10_000);
    drop(call);
    let (end, lines) = run_script(&format!("{HELLO}sleep 600"), patient(), meter).await;
    assert!(matches!(end.outcome, RunOutcome::BudgetExceeded { .. }), "{:?}", end.outcome);
    assert!(lines.events().is_empty());
}

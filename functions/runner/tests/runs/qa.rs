//! Mode `qa`: gates on base + change set.

use crate::support::World;
use domain::Digest;
use domain::qa::QaReport;
use domain::task::{RunOutcome, Work};

const EDIT: &str = r#"{"for":"code","respond":[{"tool":"edit","input":{"path":"src/a.txt","edits":[{"oldText":"old","newText":"new"}]}}]}"#;
const DONE: &str = r#"{"for":"code","respond":[{"text":"Done."}]}"#;

#[tokio::test]
async fn the_gates_judge_what_the_agent_did() {
    let world = World::new(&[EDIT, DONE]).await;
    let agent = world.run(&world.task(Work::Agent(Box::new(world.agent_work())))).await;
    let changes = world.put("verified", world.store.get("changes").unwrap());
    assert_eq!(agent.changes, Some(changes.digest));

    let gates = [("fixed", "sh check.sh"), ("regression", "grep -q old src/a.txt"), ("always red", "false")];
    let report = world.run(&world.task(Work::Qa(Box::new(world.qa_work(changes.clone(), &gates))))).await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    let json = world.store.get("qa.json").unwrap();
    assert_eq!(report.qa_report, Some(Digest::of(&json)));
    let qa: QaReport = serde_json::from_slice(&json).unwrap();
    assert_eq!(qa.change_set, changes.digest);
    let verdicts: Vec<_> = qa.gates.iter().map(|gate| (gate.passed(), gate.failed_on_base)).collect();
    assert_eq!(verdicts, [(true, None), (false, Some(false)), (false, Some(true))]);
    assert!(!qa.passed());
    assert!(String::from_utf8(world.store.get("qa.html").unwrap()).unwrap().contains("Quality gates: failed"));
    let output = String::from_utf8(world.store.get("output").unwrap()).unwrap();
    assert!(output.contains("=== always red on the base commit ==="), "{output}");
}

#[tokio::test]
async fn a_change_set_that_is_not_the_verified_one_is_refused() {
    let world = World::new(&[]).await;
    let mut changes = world.put("verified", b"not a change set".to_vec());
    let broken = world.run(&world.task(Work::Qa(Box::new(world.qa_work(changes.clone(), &[]))))).await;
    assert!(format!("{:?}", broken.outcome).contains("damaged"), "{:?}", broken.outcome);
    changes.digest = Digest::of("another");
    let other = world.run(&world.task(Work::Qa(Box::new(world.qa_work(changes, &[]))))).await;
    assert!(format!("{:?}", other.outcome).contains("another digest"), "{:?}", other.outcome);
    assert_eq!(world.store.get("qa.json"), None);
}

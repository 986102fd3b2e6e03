use std::process::Command;
use std::time::{Duration, Instant};

use audit::{Report, Selection, Target, Verdict, check, check_file, export, keep};
use domain::Timestamp;
use domain::audit::{Evidence, Problem};
use domain::ids::WorkflowId;
use indicatif::ProgressBar;
use stack::scenario::{Scenario, Scripted, play, shipped};
use stack::{Settings, Stack};
use toolchain::{Component, Silent, Toolchain};

use crate::Tampering;

/// How long anchors may take.
const LIMIT: Duration = Duration::from_secs(30);

async fn evidence(target: &Target, id: &WorkflowId) -> Evidence {
    target.store.evidence(&target.anchors, id, Timestamp::now()).await.unwrap()
}

/// The evidence when the last entry is anchored.
async fn anchored(target: &Target, id: &WorkflowId) -> Evidence {
    let started = Instant::now();
    loop {
        let evidence = evidence(target, id).await;
        if evidence.verify().unwrap().waiting.is_none() {
            return evidence;
        }
        assert!(started.elapsed() < LIMIT, "the last entry is not anchored: {:?}", evidence.anchors);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn verify(target: &Target) -> Report {
    check(target, Selection::All, Timestamp::now()).await.unwrap()
}

/// Where the only workflow's trail is broken.
fn broken(report: &Report) -> (u64, Problem) {
    match &report.workflows[..] {
        [one] => match &one.verdict {
            Verdict::Broken { seq, problem, .. } => (*seq, problem.clone()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// `cargo xtask audit verify` as a person runs it. Answers the exit code and what it said.
fn command(stack: &Stack, args: &[&str]) -> (i32, String) {
    let root = stack.engine().root();
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(args)
        .env("AWS_ENDPOINT_URL", stack.engine().url())
        .env("AWS_REGION", stack.engine().region())
        .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_ticket_is_anchored_and_whatever_is_done_to_its_trail_is_found() {
    let toolchain = Toolchain::of_this_checkout();
    toolchain.ensure(&[Component::Engine, Component::NodeRuntime, Component::Pi], &Silent).unwrap();
    let folder = tempfile::Builder::new().prefix("pi-tickets-test-").tempdir().unwrap();
    let settings = Settings::new("audit", folder.path().join("stack"));
    let stack = Stack::start(&toolchain, settings, &ProgressBar::hidden()).await.unwrap();
    let scenario = Scenario::load(&shipped(toolchain.root()).unwrap()["session-expiry-bug"]).unwrap();
    let mut decider = Scripted::new(&scenario.decisions);
    let played = play(&stack, &scenario, &mut decider, &mut |_| {}).await.unwrap();
    assert!(played.differences.is_empty(), "{:?}", played.differences);
    let id = scenario.workflow_id();
    let target = Target::of_stack(stack.aws().config(), "audit").await.unwrap();

    anchors_are_written_once_for_each_head(&stack, &target, &id).await;
    let file = folder.path().join("export.jsonl");
    export(&target, Selection::All, Timestamp::now(), &mut std::fs::File::create(&file).unwrap()).await.unwrap();
    a_file_is_checked_without_access(&stack, file.to_str().unwrap());
    what_was_done_to_the_tables_is_found(&stack, &target, &id).await;
    stack.stop().await;
}

async fn anchors_are_written_once_for_each_head(stack: &Stack, target: &Target, id: &WorkflowId) {
    let honest = anchored(target, id).await;
    let heads: Vec<u64> = honest.anchors.iter().map(|anchor| anchor.seq).collect();
    let entries = honest.trail.entries.len() as u64;
    assert_eq!(heads, (1..=entries).collect::<Vec<_>>(), "one object each");
    assert!(entries > 10, "{entries}");
    let report = verify(target).await;
    assert_eq!((report.exit_code(), report.workflows.len()), (0, 1), "{}", report.to_text());
    // Whatever comes from the stream again changes nothing.
    let kept = keep(target, Selection::Some(vec![id.clone()]), Timestamp::now()).await.unwrap();
    assert_eq!(kept[0].to_string(), format!("✓ {id}: anchored already"));
    let bucket = stack.outputs().get("AuditBucket").unwrap();
    let lock = stack.aws().s3.get_object_lock_configuration().bucket(bucket).send().await.unwrap();
    let lock = format!("{:?}", lock.object_lock_configuration);
    assert!(lock.contains("Governance") && lock.contains("365"), "{lock}");
    let versions = stack.aws().s3.list_object_versions().bucket(bucket).send().await.unwrap().versions.unwrap();
    assert_eq!(versions.len(), heads.len(), "and no version more");
    let first = stack.aws().s3.delete_object().bucket(bucket).key(versions[0].key().unwrap());
    first.version_id(versions[0].version_id().unwrap()).send().await.unwrap_err();
    assert_eq!(command(stack, &["verify", "--all", "--stack-name", "audit"]).0, 0);
}

fn a_file_is_checked_without_access(stack: &Stack, file: &str) {
    assert_eq!(command(stack, &["verify", "--file", file]).0, 0);
    let text = std::fs::read_to_string(file).unwrap();
    let other = format!("{file}.edited");
    std::fs::write(&other, text.replacen("intake", "sweeper", 1)).unwrap();
    let (code, said) = command(stack, &["verify", "--file", &other]);
    assert!(code == 1 && said.contains("broken at entry 1: its content was changed"), "{code}: {said}");
    let cut: Vec<&str> = text.lines().take(5).collect();
    let report = check_file(cut.join("\n").as_bytes()).unwrap();
    assert_eq!((report.exit_code(), broken(&report)), (1, (5, Problem::Missing)));
    assert_eq!(command(stack, &["verify", "--file", "/nowhere"]).0, 2);
}

async fn what_was_done_to_the_tables_is_found(stack: &Stack, target: &Target, id: &WorkflowId) {
    let tampering = Tampering::with(stack, id);
    let before = tampering.remember().await;

    tampering.edit(3).await;
    assert_eq!(broken(&verify(target).await), (3, Problem::Changed));
    let (code, said) = command(stack, &["verify", "--all", "--stack-name", "audit"]);
    assert!(code == 1 && said.contains(&format!("✗ {id} is broken at entry 3: its content was changed")), "{said}");
    tampering.restore(before.clone()).await;
    assert_eq!(verify(target).await.exit_code(), 0);

    tampering.rewrite(4).await;
    evidence(target, id).await.trail.verify().unwrap();
    assert_eq!(broken(&verify(target).await), (4, Problem::AnchorDiffers), "chain and row agree, and lie");
    let kept = keep(target, Selection::All, Timestamp::now()).await.unwrap();
    assert!(kept[0].result.is_err(), "that is not anchored on top");
    tampering.restore(before.clone()).await;

    tampering.cut(6).await;
    evidence(target, id).await.trail.verify().unwrap();
    assert_eq!(broken(&verify(target).await), (7, Problem::Missing));
    tampering.restore(before).await;
    assert_eq!(verify(target).await.exit_code(), 0, "{}", verify(target).await.to_text());

    let unknown = command(stack, &["verify", "--workflow", "wf-00000000000000000000-1", "--stack-name", "audit"]);
    assert!(unknown.0 == 2 && unknown.1.contains("there is no such workflow"), "{}", unknown.1);
    let nowhere = command(stack, &["verify", "--all", "--stack-name", "elsewhere"]);
    assert!(nowhere.0 == 2 && nowhere.1.contains("elsewhere"), "{}", nowhere.1);
}

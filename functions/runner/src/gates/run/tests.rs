use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use domain::change_set::{MANIFEST_VERSION, Manifest, ManifestEntry};
use domain::qa::FindingKind;
use domain::task::RunKind;

use super::*;
use crate::gates::command::tests::runner;
use crate::progress::tests::progress;
use crate::testing::{BareSandbox, gate, spec};
use crate::workspace::unpack::tests::{Item, archive};

fn nowhere() -> Doorway {
    Doorway::new(domain::packages::PackageSources::default(), Arc::new(crate::packages::dial::Resolved))
}

/// A repository, a change, and how they are tested.
struct World<'a> {
    base: &'a [(&'a str, &'a str)],
    written: &'a [(&'a str, &'a str)],
    deleted: &'a [&'a str],
    gates: &'a [GateConfig],
    setup: Option<&'a str>,
    checklist: &'a [ChecklistItem],
    bug: bool,
    time: Duration,
}

const BASE: World<'_> = World {
    base: &[("version", "old")],
    written: &[("version", "new")],
    deleted: &[],
    gates: &[],
    setup: None,
    checklist: &[],
    bug: false,
    time: Duration::from_mins(1),
};

impl World<'_> {
    async fn run(&self) -> GateResults {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let items: Vec<_> = self.base.iter().map(|(path, text)| Item::File(path, text.as_bytes(), 0o644)).collect();
        let runner = CommandRunner {
            deadline: Instant::now() + self.time,
            max_output_bytes: 100_000,
            ..runner(Utf8Path::new(&root))
        };
        let stage = Stage::new(archive(&items).into(), &root, Arc::new(BareSandbox));
        let setup = self.setup.map(|command| SetupConfig { command: command.to_owned(), timeout: 10 });
        let action = |path: &&str| {
            let existed = self.base.iter().any(|(base, _)| base == path);
            if existed { FileAction::Modify } else { FileAction::Create }
        };
        let file = |path: &str, action| SpecFile {
            path: path.parse().unwrap(),
            action,
            reason: "r".to_owned(),
            protection: None,
        };
        let files: Vec<_> = self.written.iter().map(|(path, _)| file(path, action(path))).collect();
        let deleted = self.deleted.iter().map(|path| file(path, FileAction::Delete));
        let files: Vec<_> = files.into_iter().chain(deleted).collect();
        let run = GateRun {
            gates: self.gates,
            setup: setup.as_ref(),
            checklist: self.checklist,
            files: &files,
            bug: self.bug,
        };
        let (progress, _) = progress(RunKind::Qa);
        run_gates(run, stage, self.changes(), &runner, nowhere(), &progress).await.unwrap()
    }

    fn changes(&self) -> Overlay {
        let spec = spec();
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            workflow_id: spec.workflow_id,
            attempt: domain::Attempt::FIRST,
            base_commit: spec.base_commit,
            entries: vec![],
            dropped: vec![],
            dropped_count: 0,
        };
        let mut contents = BTreeMap::new();
        let written = self.written.iter().map(|(path, text)| {
            let digest = domain::Digest::of(text.as_bytes());
            contents.insert(digest, text.as_bytes().to_vec());
            let change = Change::Written { mode: 0o644, size: text.len() as u64, digest, existed: true };
            ManifestEntry { path: (*path).to_owned(), change }
        });
        let mut entries: Vec<_> = written.collect();
        let gone = |path: &&str| ManifestEntry { path: (*path).to_owned(), change: Change::Deleted };
        entries.extend(self.deleted.iter().map(gone));
        Overlay::new(Manifest { entries, ..manifest }, contents)
    }
}

#[tokio::test]
async fn a_regression_is_told_from_an_old_failure() {
    let gates = [gate("good", "true"), gate("regression", "grep old version"), gate("always red", "grep x version")];
    let results = World { gates: &gates, ..BASE }.run().await.gates;
    let verdicts: Vec<_> = results.iter().map(|gate| (gate.passed(), gate.failed_on_base, gate.blocks())).collect();
    assert_eq!(verdicts, [(true, None, false), (false, Some(false), true), (false, Some(true), false)]);
}

/// Had the base's run counted as a failure, a change that hangs would be published.
#[tokio::test]
async fn a_change_that_uses_up_the_time_blocks() {
    let hangs = "grep -q old version || exec sleep 60";
    let gates = [gate("hangs", hangs), gate("later", "true")];
    let results = World { gates: &gates, time: Duration::from_millis(1_500), ..BASE }.run().await.gates;
    assert_eq!(results[0].result.ended, Ended::TimedOut);
    assert!(results.iter().all(GateResult::blocks), "{results:?}");
}

#[tokio::test]
async fn a_base_that_hangs_leaves_half_of_the_time_to_the_change() {
    let gates = [gate("hangs", "grep -q new version || exec sleep 60"), gate("later", "true")];
    let results = World { gates: &gates, time: Duration::from_secs(3), ..BASE }.run().await;
    assert!(results.gates.iter().all(GateResult::passed), "{results:?}");
    let kinds: Vec<_> = results.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::NotCompared; 2]);
}

#[tokio::test]
async fn setup_comes_first_and_its_failure_blocks_everything() {
    let gates = [gate("needs setup", "test -e ready && test -e ~/ready && grep new version")];
    let setup = Some("touch ready ~/ready; grep old version");
    let results = World { gates: &gates, setup, ..BASE }.run().await;
    assert!(results.gates[0].passed() && results.findings.is_empty(), "{results:?}");
    let gates = [gate("never", "true")];
    let results = World { gates: &gates, setup: Some("exit 9"), ..BASE }.run().await;
    assert_eq!(results.setup.unwrap().ended, Ended::Exit { code: 9 });
    assert!(results.gates[0].blocks());
}

/// Setup sees the dependencies that the SPEC names and no command of the change; nothing of packages runs.
#[tokio::test]
async fn setup_sees_dependencies_and_no_commands() {
    let base = &[("package.json", r#"{"scripts":{"test":"old"}}"#), ("package-lock.json", "old"), ("run.sh", "old")];
    let written = &[
        ("package.json", r#"{"scripts":{"test":"new"},"dependencies":{"x":"1"}}"#),
        ("package-lock.json", "new"),
        ("run.sh", "new"),
    ];
    let setup = "cat package.json package-lock.json run.sh > seen; echo $npm_config_ignore_scripts >> seen";
    let gates = [gate("seen", "tr -d ' \\n' < seen; grep -q new package.json && grep -q new run.sh")];
    let results = World { base, written, gates: &gates, setup: Some(setup), ..BASE }.run().await;
    let gate = &results.gates[0];
    assert_eq!(gate.result.output, r#"{"scripts":{"test":"old"},"dependencies":{"x":"1"}}newoldtrue"#);
    assert_eq!(gate.failed_on_base, None);
}

#[tokio::test]
async fn no_gate_sees_what_another_left_behind() {
    let leave = "test ! -e left && test ! -e ~/left && grep -q made product && grep -q version version.txt \
                 && touch left ~/left && echo evil > product && rm version.txt && mkdir version.txt";
    let gates = [gate("one", leave), gate("two", leave), gate("three", leave)];
    let base = &[("version.txt", "version old")];
    let written = &[("version.txt", "version new")];
    let setup = Some("echo made > product");
    let results = World { base, written, gates: &gates, setup, ..BASE }.run().await;
    assert!(results.gates.iter().all(GateResult::passed), "{results:?}");
    // It does so at the base too, which is no news.
    assert_eq!(results.findings, []);
}

#[tokio::test]
async fn a_change_that_lets_a_gate_rewrite_files_is_told() {
    let gates = [gate("fmt", "grep -q old version || echo x > other")];
    let base = &[("version", "old"), ("other", "o")];
    let results = World { base, gates: &gates, ..BASE }.run().await;
    assert_eq!(results.findings[0].kind, FindingKind::FilesChanged);
    assert!(results.findings[0].message.contains("other"), "{:?}", results.findings);
}

#[tokio::test]
async fn the_checklist_is_answered_item_by_item() {
    let item = |verified_by| ChecklistItem { text: "t".to_owned(), verified_by };
    let checklist = [
        item(VerifiedBy::Gate { name: "good".to_owned() }),
        item(VerifiedBy::Gate { name: "unknown".to_owned() }),
        item(VerifiedBy::Command { command: "grep new version".to_owned() }),
        item(VerifiedBy::Command { command: "grep old version".to_owned() }),
        item(VerifiedBy::Person),
    ];
    let results = World { gates: &[gate("good", "true")], checklist: &checklist, ..BASE }.run().await.checklist;
    let passed: Vec<_> = results.iter().map(|item| item.passed).collect();
    assert_eq!(passed, [Some(true), None, Some(true), Some(false), None]);
}

/// A runner of three lines: each word of the test files is a test.
const COUNTER: &str =
    "n=$(cat tests/*.py | wc -w); echo \"Ran $n tests in 0.001s\"; echo; echo OK; ! grep -q fail version tests/*.py";

#[tokio::test]
async fn tests_that_are_gone_block_unless_the_spec_deletes_them() {
    let gates = [gate("unit", COUNTER)];
    let base = &[("version", "old"), ("tests/test_a.py", "a b c\n"), ("tests/test_b.py", "d e\n")];
    let kept = World { base, gates: &gates, written: &[("version", "new")], ..BASE }.run().await;
    assert!(!kept.gates[0].blocks(), "{kept:?}");
    let fewer = World { base, gates: &gates, written: &[("tests/test_a.py", "a b\n")], ..BASE }.run().await;
    assert_eq!(fewer.gates[0].lost(), Some("it ran 5 tests on the base commit (less what the SPEC deletes) and 4 now"));
    let deleted = World { base, gates: &gates, written: &[], deleted: &["tests/test_b.py"], ..BASE }.run().await;
    assert!(!deleted.gates[0].blocks(), "{deleted:?}");
    let world =
        World { base, gates: &gates, written: &[("tests/test_a.py", "")], deleted: &["tests/test_b.py"], ..BASE };
    assert!(world.run().await.gates[0].blocks());
}

#[tokio::test]
async fn a_bug_is_shown_by_a_test_that_fails_without_the_change() {
    let gates = [gate("unit", "grep -qxf tests/test_a.py version")];
    let base = &[("version", "old\nboth\n"), ("tests/test_a.py", "both\n")];
    let proof = async |written, bug| World { base, gates: &gates, written, bug, ..BASE }.run().await.bug_proof;
    let shows: &[_] = &[("version", "new\nboth\n"), ("tests/test_a.py", "new\n")];
    assert_eq!(proof(shows, true).await, Some(BugProof::Shown { gates: vec!["unit".to_owned()] }));
    assert_eq!(proof(shows, false).await, None);
    let does_not: &[_] = &[("version", "new\nboth\n"), ("tests/test_a.py", "both\nboth\n")];
    assert_eq!(proof(does_not, true).await, Some(BugProof::NotShown));
    assert_eq!(proof(&[("version", "new\nboth\n")], true).await, Some(BugProof::NoTests));
    let broken: &[_] = &[("version", "x\n"), ("tests/test_a.py", "new\n")];
    assert!(matches!(proof(broken, true).await, Some(BugProof::Unknown { .. })));
}

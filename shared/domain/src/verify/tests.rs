use super::*;
use crate::change_set::{MANIFEST_VERSION, ManifestEntry};
use crate::ids::{Generation, Revision, TicketKey};
use crate::spec::{SPEC_VERSION, SpecFile, SpecText};

const BASE: &[&str] = &["src/a.js", "src/b.js", "README.md"];

fn spec(files: &[(&str, FileAction)]) -> Spec {
    let ticket = TicketKey::flux_lens("1");
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("t"),
        base_commit: "a".repeat(40).parse().unwrap(),
        files: files
            .iter()
            .map(|(path, action)| SpecFile {
                path: path.parse().unwrap(),
                action: *action,
                reason: String::new(),
                protection: None,
            })
            .collect(),
        amendment: None,
        text: SpecText { confidence: 1.0, ..SpecText::default() },
    }
}

fn written(path: &str, content: &str) -> (ManifestEntry, Vec<u8>) {
    let change =
        Change::Written { mode: 0o644, size: content.len() as u64, digest: Digest::of(content), existed: false };
    (ManifestEntry { path: path.to_owned(), change }, content.as_bytes().to_vec())
}

fn deleted(path: &str) -> (ManifestEntry, Vec<u8>) {
    (ManifestEntry { path: path.to_owned(), change: Change::Deleted }, Vec::new())
}

fn run(spec: &Spec, entries: Vec<(ManifestEntry, Vec<u8>)>) -> Result<VerifiedChangeSet, NotVerified> {
    let contents = entries.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.clone())).collect();
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        workflow_id: spec.workflow_id.clone(),
        attempt: Attempt::FIRST,
        base_commit: spec.base_commit.clone(),
        entries: entries.into_iter().map(|(entry, _)| entry).collect(),
        dropped: vec![],
        dropped_count: 0,
    };
    let base_paths = BASE.iter().map(|path| (*path).to_owned()).collect();
    let policy = VerifyPolicy { max_file_bytes: 100, max_total_bytes: 150, allow_workflow_files: false };
    let context = VerifyContext {
        spec,
        attempt: Attempt::FIRST,
        base_commit: &spec.base_commit,
        base_paths: &base_paths,
        policy,
    };
    verify(&manifest, &contents, context)
}

fn kinds(result: Result<VerifiedChangeSet, NotVerified>) -> Vec<ViolationKind> {
    match result {
        Err(NotVerified::Violations(list)) => list.into_iter().map(|v| v.kind).collect(),
        other => panic!("expected violations, got {other:?}"),
    }
}

#[test]
fn what_the_spec_names_is_verified() {
    let spec =
        spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete), ("src/new.js", FileAction::Create)]);
    let set = run(&spec, vec![written("src/a.js", "1"), deleted("src/b.js"), written("src/new.js", "2")]).unwrap();
    let actions: Vec<_> = set.changes().iter().map(|c| (c.path().as_str(), c.action())).collect();
    assert_eq!(
        actions,
        [("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete), ("src/new.js", FileAction::Create)]
    );
}

#[test]
fn an_empty_set_is_its_own_answer() {
    assert_eq!(run(&spec(&[("src/a.js", FileAction::Modify)]), vec![]), Err(NotVerified::Empty));
}

#[test]
fn every_way_out_of_scope_is_a_violation() {
    use ViolationKind as V;
    let spec = spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Modify)]);
    let link = |path: &str| {
        let change = Change::Rejected { reason: RejectReason::SymbolicLink, existed: true };
        (ManifestEntry { path: path.to_owned(), change }, Vec::new())
    };
    let mode = |mode| {
        let change = Change::Written { mode, size: 1, digest: Digest::of("x"), existed: true };
        (ManifestEntry { path: "src/a.js".to_owned(), change }, b"x".to_vec())
    };
    for (entry, expected) in [
        (written("README.md", "x"), vec![V::PathNotInSpec]),
        (written("new.js", "x"), vec![V::PathNotInSpec]),
        (written("SRC/A.js", "x"), vec![V::PathNotInSpec, V::TwinPath]),
        (deleted("src/a.js"), vec![V::ActionMismatch]),
        (deleted("never.js"), vec![V::Corrupt]),
        (written("../x", "x"), vec![V::InvalidPath]),
        (written(".git/config", "x"), vec![V::InvalidPath]),
        (link("src/a.js"), vec![V::NotARegularFile]),
        (mode(0o120_000), vec![V::Mode]),
        (mode(0o4755), vec![V::Mode]),
        (written("src/a.js", &"x".repeat(101)), vec![V::TooLarge]),
        (written("src/a.js", &format!("{}{}", "ghp_", "a".repeat(36))), vec![V::Secret]),
        (written(".github/workflows/x.yml", "x"), vec![V::PathNotInSpec, V::Protected]),
    ] {
        let path = entry.0.path.clone();
        assert_eq!(kinds(run(&spec, vec![entry])), expected, "{path}");
    }
}

#[test]
fn a_set_of_another_run_or_with_missing_contents_is_refused() {
    let spec = spec(&[("src/a.js", FileAction::Modify)]);
    let (entry, _) = written("src/a.js", "x");
    assert_eq!(kinds(run(&spec, vec![(entry, b"other".to_vec())])), [ViolationKind::Corrupt]);
    let twice = vec![written("src/a.js", "x"), written("src/a.js", "y")];
    assert_eq!(kinds(run(&spec, twice)), [ViolationKind::Corrupt]);
}

#[test]
fn the_whole_set_has_a_limit() {
    let spec = spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Modify)]);
    let entries = vec![written("src/a.js", &"x".repeat(80)), written("src/b.js", &"y".repeat(80))];
    assert_eq!(kinds(run(&spec, entries)), [ViolationKind::TooLarge]);
}

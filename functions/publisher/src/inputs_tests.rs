use std::collections::BTreeMap;

use domain::budget::Usage;
use domain::change_set::{Change, FILES_PREFIX, MANIFEST_VERSION, Manifest, ManifestEntry};
use domain::failure::FailureKind;
use domain::gate::policy::RiskFacts;
use domain::gate::{GateKind, GateStatus, Verdict};
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::path::RepoPath;
use domain::person::{Actor, Person};
use domain::qa::QA_REPORT_VERSION;
use domain::repo_config::CONFIG_PATH;
use domain::spec::{FileAction, SPEC_VERSION, SpecFile, SpecText};
use domain::ticket::{Priority, Ticket};
use domain::workflow::{Event, RoundLimits};
use domain::{CommitSha, Timestamp};
use github::{EntryKind, TreeEntry};

use super::*;

const POLICY: VerifyPolicy = VerifyPolicy { max_file_bytes: 100, max_total_bytes: 100, allow_workflow_files: false };
const TEXT: &[u8] = b"const GREETING = 42;\n";

fn base_commit() -> CommitSha {
    "a".repeat(40).parse().unwrap()
}

fn base(path: &str) -> Base {
    let entry = TreeEntry { path: path.to_owned(), kind: EntryKind::File, sha: base_commit(), size: 1 };
    let contents = BTreeMap::from([(path.to_owned(), b"one\n".to_vec())]);
    Base { tree: Tree { sha: base_commit(), entries: vec![entry] }, contents }
}

fn ticket() -> Ticket {
    Ticket {
        key: TicketKey::flux_lens("7"),
        version: 1,
        updated_at: Timestamp::UNIX_EPOCH,
        title: "T".to_owned(),
        description: "D".to_owned(),
        url: "https://tracker.example/7".to_owned(),
        priority: Priority::Normal,
        labels: vec![],
        reporter: Person::from_email("rita@example.com"),
        assignee: None,
        repository: "acme/app".parse().unwrap(),
        base_branch: "main".to_owned(),
    }
}

fn spec(id: &WorkflowId) -> Spec {
    let path: RepoPath = "src/app.js".parse().unwrap();
    Spec {
        version: SPEC_VERSION,
        workflow_id: id.clone(),
        revision: Revision::FIRST,
        ticket: ticket().key,
        ticket_digest: ticket().content_digest(),
        base_commit: base_commit(),
        files: vec![SpecFile { path, action: FileAction::Modify, reason: "why".to_owned(), protection: None }],
        amendment: None,
        text: SpecText {
            title: "T".to_owned(),
            problem_statement: "P".to_owned(),
            proposed_solution: "S".to_owned(),
            confidence: 1.0,
            ..SpecText::default()
        },
    }
}

fn archive(id: &WorkflowId) -> Vec<u8> {
    let change = Change::Written { mode: 0o644, size: TEXT.len() as u64, digest: Digest::of(TEXT), existed: true };
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        workflow_id: id.clone(),
        attempt: Attempt::FIRST,
        base_commit: base_commit(),
        entries: vec![ManifestEntry { path: "src/app.js".to_owned(), change }],
        dropped: vec![],
        dropped_count: 0,
    };
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let end = Digest::of(&manifest).to_string();
    let mut tar = tar::Builder::new(Vec::new());
    let content = format!("{FILES_PREFIX}{}", Digest::of(TEXT));
    for (name, bytes) in [("manifest.json", manifest.as_slice()), (&content, TEXT), ("complete", end.as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    zstd::encode_all(tar.into_inner().unwrap().as_slice(), 3).unwrap()
}

fn qa(id: &WorkflowId, change_set: Digest) -> QaReport {
    QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: id.clone(),
        attempt: Attempt::FIRST,
        base_commit: base_commit(),
        change_set,
        setup: None,
        gates: vec![],
        checklist: vec![],
        findings: vec![],
        bug_proof: None,
        refused_connections: 0,
        duration_ms: 1,
    }
}

/// A workflow that is ready to be published, and what lies in the bucket for it.
fn ready() -> (Workflow, Stored) {
    let id = WorkflowId::derive(&ticket().key, Generation::FIRST);
    let archive = archive(&id);
    let digest = Digest::of(&archive);
    let report = serde_json::to_vec(&qa(&id, digest)).unwrap();
    let (mut workflow, _) =
        Workflow::create(id.clone(), &ticket(), RoundLimits::default(), Actor::system("test"), Timestamp::UNIX_EPOCH)
            .unwrap();
    let gate = GateKind::Spec.gate_id(&id, 1).unwrap();
    let (revision, attempt) = (Revision::FIRST, Attempt::FIRST);
    for event in [
        Event::PlanningStarted { revision },
        Event::SpecProposed {
            revision,
            spec_digest: spec(&id).digest().unwrap(),
            base_commit: base_commit(),
            usage: Usage::default(),
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: None,
        },
        Event::GateOpened {
            gate: gate.clone(),
            kind: GateKind::Spec,
            subject_digest: Digest::of("s"),
            due_at: Timestamp::UNIX_EPOCH,
        },
        Event::GateDecided {
            gate,
            kind: GateKind::Spec,
            status: GateStatus::Approved,
            verdict: Verdict::Approve,
            comment: None,
        },
        Event::RunPrepared { attempt, base_commit: base_commit() },
        Event::ChangesVerified { attempt, digest, files: vec![], diff: None },
        Event::QaFinished { attempt, passed: true, report: Digest::of(&report), blocking: vec![], findings: 0 },
    ] {
        workflow = workflow.apply(event, Actor::system("test"), Timestamp::UNIX_EPOCH).unwrap().workflow;
    }
    let spec = serde_json::to_vec(&spec(&id)).unwrap();
    (workflow, Stored { spec, qa: report, archive })
}

fn refused(workflow: &Workflow, stored: &Stored, base: Base) -> String {
    let Err(failure) = check(workflow, stored, &base, &KnownSecrets::default(), POLICY) else { panic!("it was taken") };
    assert_eq!(failure.kind, FailureKind::Inconsistent);
    failure.message
}

#[test]
fn what_was_approved_and_tested_is_taken() {
    let (workflow, stored) = ready();
    let inputs = check(&workflow, &stored, &base("src/app.js"), &KnownSecrets::default(), POLICY).unwrap();
    assert_eq!(inputs.changes.changes().len(), 1);
    assert_eq!(inputs.spec.digest().unwrap(), workflow.spec.unwrap().digest);
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let (workflow, stored) = ready();
    for at in 0..stored.archive.len() {
        let mut archive = stored.archive.clone();
        archive[at] ^= 1;
        let stored = Stored { archive, spec: stored.spec.clone(), qa: stored.qa.clone() };
        assert!(refused(&workflow, &stored, base("src/app.js")).contains("not the one that was verified"));
    }
    let changed = |bytes: &[u8], from: &str, to: &str| String::from_utf8(bytes.to_vec()).unwrap().replace(from, to);
    let spec = changed(&stored.spec, "\"why\"", "\"Why\"").into_bytes();
    let other = Stored { spec, qa: stored.qa.clone(), archive: stored.archive.clone() };
    assert!(refused(&workflow, &other, base("src/app.js")).contains("not the one that was approved"));
    let qa = changed(&stored.qa, "\"duration_ms\":1", "\"duration_ms\":2").into_bytes();
    let other = Stored { spec: stored.spec.clone(), qa, archive: stored.archive.clone() };
    assert!(refused(&workflow, &other, base("src/app.js")).contains("not the one that passed"));
}

#[test]
fn the_change_set_is_verified_again_against_the_base_as_it_is_on_github() {
    let (workflow, stored) = ready();
    let message = refused(&workflow, &stored, base("src/other.js"));
    assert!(message.contains("second verification") && message.contains("src/app.js"), "{message}");
}

#[test]
fn rows_of_another_attempt_or_without_an_approval_are_refused() {
    let (good, stored) = ready();
    let mut later = good.clone();
    later.attempt = later.attempt.next();
    assert!(refused(&later, &stored, base("src/app.js")).contains("no verified change set"));
    let mut failed = good.clone();
    failed.qa.as_mut().unwrap().passed = false;
    assert!(refused(&failed, &stored, base("src/app.js")).contains("quality gates"));
    let mut undecided = good;
    undecided.spec.as_mut().unwrap().approved = false;
    assert!(refused(&undecided, &stored, base("src/app.js")).contains("no approved SPEC"));
}

#[test]
fn what_the_repository_protects_counts_as_it_is_on_github() {
    let (workflow, stored) = ready();
    let mut strict = base("src/app.js");
    strict.contents.insert(CONFIG_PATH.to_owned(), b"protected = ['src/']".to_vec());
    assert!(refused(&workflow, &stored, strict).contains("is protected by this repository"));
    let mut broken = base("src/app.js");
    broken.contents.insert(CONFIG_PATH.to_owned(), b"protected = 3".to_vec());
    assert!(refused(&workflow, &stored, broken).contains("cannot be used"));
}

#[test]
fn a_secret_of_this_deployment_is_never_published() {
    let (workflow, stored) = ready();
    let found = |secret: &str| {
        let known = KnownSecrets::new(domain::secrets::fingerprints("the tracker's token", secret, [2; 16]));
        check(&workflow, &stored, &base("src/app.js"), &known, POLICY).is_err()
    };
    assert!(!found("another-token-of-theirs"));
    assert!(found(std::str::from_utf8(TEXT).unwrap().trim()));
}

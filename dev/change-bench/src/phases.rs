//! One round: Git on the tree, then our way of the same change.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use domain::budget::Ledger;
use domain::ids::Attempt;
use domain::person::Person;
use domain::qa::{QA_REPORT_VERSION, QaReport};
use domain::secrets::{KnownSecrets, fingerprints};
use domain::spec::Spec;
use domain::ticket::Priority;
use domain::verify::{BaseFiles, VerifiedChangeSet, VerifyContext, VerifyPolicy, verify};
use domain::workflow::TicketSummary;
use domain::{CommitSha, Digest};
use publisher::base::Base;
use publisher::publish::{Publication, publish};
use runner::changes::archive::{Origin, pack, read};
use runner::changes::{Archive, ChangeLimits, find_changes};

use crate::change::Change;
use crate::code_host::{CodeHost, REPOSITORY};
use crate::figures::Round;
use crate::git::Git;
use crate::tree::Tree;

const ATTEMPT: Attempt = Attempt::FIRST;
const POLICY: VerifyPolicy = VerifyPolicy::new(false);
/// As a run's task says.
const LIMITS: ChangeLimits =
    ChangeLimits { file_bytes: POLICY.max_file_bytes, total_bytes: POLICY.max_total_bytes, files: 2_000 };
/// Most bytes of a change set, unpacked.
const UNPACKED: u64 = 64 * 1024 * 1024;

pub(crate) async fn round(tree: &Tree, git: &Git, host: &CodeHost, change: &Change) -> anyhow::Result<Round> {
    let spec = change.spec(&host.base_commit)?;
    let known = known_secrets();
    // What `workflow` wrote down when it prepared the run, and reads back from S3.
    let listed = Base::read(&host.repo, &host.base_commit, &spec).await?.files()?;
    let listed = serde_json::to_vec(&listed)?;

    let (status, named) = git.status()?;
    let diff = git.diff()?;

    let writable = spec.files.iter().map(|file| file.path.clone()).collect::<BTreeSet<_>>();
    let (walk, changes) = timed(|| find_changes(&tree.root, &tree.base, &writable, LIMITS))?;
    ensure!(
        changes.entries.len() == spec.files.len() && named == spec.files.len(),
        "{} changes were made; the walk found {}, git {named}",
        spec.files.len(),
        changes.entries.len()
    );
    let origin =
        Origin { workflow_id: change.workflow.clone(), attempt: ATTEMPT, base_commit: host.base_commit.clone() };
    let (pack, archive) = timed(|| pack(changes, origin))?;

    let (verify, _) = timed(|| {
        let base: BaseFiles = serde_json::from_slice(&listed)?;
        verified(&archive, &spec, &host.base_commit, &base, &known)
    })?;

    let (busy, start) = (host.busy(), Instant::now());
    let base = Base::read(&host.repo, &host.base_commit, &spec).await?;
    let changes = verified(&archive, &spec, &host.base_commit, &base.files()?, &known)?;
    let publication = Publication {
        workflow: &change.workflow,
        ticket: &ticket(change)?,
        spec: &spec,
        base: &base.tree,
        changes: &changes,
        qa: &report(change, &host.base_commit, archive.digest),
        refused_connections: 0,
        ledger: &Ledger::default(),
        review_rounds: 0,
        previous: None,
        date: "2026-01-01T00:00:00Z".parse()?,
        public_base_url: "https://tickets.example",
        known: &known,
    };
    publish(&host.repo, &publication).await?;
    let publish = start.elapsed();
    Ok(Round { status, diff, walk, pack, verify, publish, code_host: host.busy().saturating_sub(busy) })
}

fn timed<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> anyhow::Result<(Duration, T)> {
    let start = Instant::now();
    let made = work().map_err(Into::into)?;
    Ok((start.elapsed(), made))
}

/// Reads the archive and verifies it.
fn verified(
    archive: &Archive,
    spec: &Spec,
    base_commit: &CommitSha,
    base: &BaseFiles,
    known: &KnownSecrets,
) -> anyhow::Result<VerifiedChangeSet> {
    let (manifest, contents) = read(&archive.bytes, UNPACKED)?;
    let context = VerifyContext { spec, attempt: ATTEMPT, base_commit, base, known, policy: POLICY };
    verify(&manifest, &contents, context).map_err(|error| anyhow!("the change set was refused: {error:?}"))
}

/// As many secrets as a deployment has.
fn known_secrets() -> KnownSecrets {
    let secret =
        |n: u8| fingerprints("a secret", &format!("secret-{n}-of-this-deployment-{}", "x".repeat(20)), [n; 16]);
    KnownSecrets::new((0..8).flat_map(secret))
}

fn ticket(change: &Change) -> anyhow::Result<TicketSummary> {
    Ok(TicketSummary {
        key: change.ticket.clone(),
        version: 1,
        digest: Digest::of("ticket"),
        title: "Change some files".to_owned(),
        url: "https://tracker.example/ticket".to_owned(),
        priority: Priority::Normal,
        is_bug: false,
        requester: Person::from_email("rita@example.com"),
        repository: REPOSITORY.parse()?,
        base_branch: "main".to_owned(),
    })
}

/// A report of quality gates that had nothing to run.
fn report(change: &Change, base_commit: &CommitSha, change_set: Digest) -> QaReport {
    QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: change.workflow.clone(),
        attempt: ATTEMPT,
        base_commit: base_commit.clone(),
        change_set,
        setup: None,
        gates: vec![],
        checklist: vec![],
        findings: vec![],
        bug_proof: None,
        refused_connections: 0,
        duration_ms: 0,
    }
}

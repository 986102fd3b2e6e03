//! What a publication is made of, read and checked.

use domain::Digest;
use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::failure::Failure;
use domain::qa::QaReport;
use domain::secrets::KnownSecrets;
use domain::spec::Spec;
use domain::verify::{NotVerified, VerifiedChangeSet, VerifyContext, VerifyPolicy, verify};
use domain::workflow::{ChangesRef, Workflow};
use github::{Repo, Tree};
use store::{Objects, change_set, keys};

use crate::base::{Base, inconsistent};

/// Largest SPEC, bytes.
const MAX_SPEC_BYTES: u64 = 4 * 1024 * 1024;
/// Largest QA report, bytes.
const MAX_QA_BYTES: u64 = 4 * 1024 * 1024;

/// The approved SPEC, the change set that was verified against it, and what the quality gates said about just that.
pub(crate) struct Inputs {
    pub(crate) spec: Spec,
    pub(crate) changes: VerifiedChangeSet,
    pub(crate) qa: QaReport,
    pub(crate) base: Tree,
}

/// What lies in the bucket for one publication.
struct Stored {
    spec: Vec<u8>,
    qa: Vec<u8>,
    archive: Vec<u8>,
}

/// Reads everything that the workflow's row names, checks each against the digest in the row, and verifies the change
/// set once more against the SPEC and against the base commit as GitHub has it.
pub(crate) async fn read(
    objects: &Objects,
    repo: &Repo,
    workflow: &Workflow,
    known: &KnownSecrets,
    policy: VerifyPolicy,
) -> Result<Inputs, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let base_commit = &changes_of(workflow)?.base_commit;
    let stored = Stored {
        spec: objects.get(&keys::objects::spec_json(id, workflow.revision), MAX_SPEC_BYTES).await?,
        qa: objects.get(&keys::objects::qa_json(id, attempt), MAX_QA_BYTES).await?,
        archive: objects.get(&keys::objects::verified(id, attempt), MAX_ARCHIVE_BYTES).await?,
    };
    let spec = approved_spec(workflow, &stored)?;
    let base = Base::read(repo, base_commit, &spec).await?;
    check(workflow, &stored, &base, known, policy)
}

fn approved_spec(workflow: &Workflow, stored: &Stored) -> Result<Spec, Failure> {
    let approved = workflow.spec.as_ref().filter(|spec| spec.approved);
    let approved = approved.ok_or_else(|| inconsistent("the workflow has no approved SPEC"))?;
    let spec: Spec = parse("SPEC", &stored.spec)?;
    if spec.digest().ok() != Some(approved.digest) {
        return Err(inconsistent("the stored SPEC is not the one that was approved"));
    }
    Ok(spec)
}

fn changes_of(workflow: &Workflow) -> Result<&ChangesRef, Failure> {
    let current = workflow.changes.as_ref().filter(|changes| changes.attempt == workflow.attempt);
    current.ok_or_else(|| inconsistent("the attempt has no verified change set"))
}

fn check(
    workflow: &Workflow,
    stored: &Stored,
    base: &Base,
    known: &KnownSecrets,
    policy: VerifyPolicy,
) -> Result<Inputs, Failure> {
    let changes = changes_of(workflow)?;
    let spec = approved_spec(workflow, stored)?;
    let passed = workflow.qa.as_ref().filter(|qa| qa.attempt == workflow.attempt && qa.passed);
    let passed = passed.ok_or_else(|| inconsistent("the attempt did not pass its quality gates"))?;

    if Digest::of(&stored.qa) != passed.report {
        return Err(inconsistent("the stored QA report is not the one that passed"));
    }
    let qa: QaReport = parse("QA report", &stored.qa)?;
    if qa.change_set != changes.digest || !qa.passed() {
        return Err(inconsistent("the QA report did not pass, or is about another change set"));
    }
    if Digest::of(&stored.archive) != changes.digest {
        return Err(inconsistent("the stored change set is not the one that was verified"));
    }
    let archive = change_set::read(&stored.archive)?;
    let base_files = base.files()?;
    let context = VerifyContext {
        spec: &spec,
        attempt: changes.attempt,
        base_commit: &changes.base_commit,
        base: &base_files,
        known,
        policy,
    };
    let changes = verify(&archive.manifest, &archive.contents, context).map_err(|error| not_verified(&error))?;
    Ok(Inputs { spec, changes, qa, base: base.tree.clone() })
}

fn not_verified(error: &NotVerified) -> Failure {
    let first = match error {
        NotVerified::Violations(list) => {
            list.first().map_or(String::new(), |violation| format!(": {}", violation.message))
        }
        NotVerified::Empty => String::new(),
    };
    inconsistent(&format!("the change set did not pass its second verification: {error}{first}; nothing was published"))
}

fn parse<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| inconsistent(&format!("the stored {what} cannot be read: {error}")))
}

#[cfg(test)]
#[path = "inputs_tests.rs"]
mod tests;

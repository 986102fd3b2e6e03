//! The second, trusted check: decides whether what came out of the sandbox may be published.
//!
//! [`VerifiedChangeSet`] can be built only here, and the publisher accepts nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::change_set::{Change, Manifest, RejectReason};
use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};
use crate::path::{Protection, RepoPath, fold};
use crate::secrets::{KnownSecrets, secret_in};
use crate::spec::{FileAction, Spec};

/// What a change set is checked against.
#[derive(Debug, Clone, Copy)]
pub struct VerifyContext<'a> {
    /// The approved SPEC.
    pub spec: &'a Spec,
    /// The attempt that is being collected.
    pub attempt: Attempt,
    /// The commit that the run's workspace was made from.
    pub base_commit: &'a CommitSha,
    /// Every file at that commit.
    pub base_paths: &'a BTreeSet<String>,
    /// Limits.
    pub policy: VerifyPolicy,
}

/// Limits on a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyPolicy {
    /// Largest file, bytes.
    pub max_file_bytes: u64,
    /// All contents together, bytes.
    pub max_total_bytes: u64,
    /// Whether this deployment lets a SPEC name files under `.github/workflows`.
    pub allow_workflow_files: bool,
}

impl VerifyPolicy {
    /// The limits of every deployment: 2 MiB a file, 20 MiB together.
    pub const fn new(allow_workflow_files: bool) -> Self {
        Self { max_file_bytes: 2 * 1024 * 1024, max_total_bytes: 20 * 1024 * 1024, allow_workflow_files }
    }
}

/// Something in a change set that must not be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The path as the sandbox named it, control characters escaped.
    pub path: String,
    /// Which rule.
    pub kind: ViolationKind,
    /// One sentence for the agent and for people.
    pub message: String,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// Not one of the SPEC's files.
    PathNotInSpec,
    /// One of the SPEC's files, but with another action.
    ActionMismatch,
    /// Not a path that may be in a repository.
    InvalidPath,
    /// The same file as another one on some file system.
    TwinPath,
    /// A link, device, socket or pipe.
    NotARegularFile,
    /// Neither 644 nor 755.
    Mode,
    /// A file or the whole set is too large.
    TooLarge,
    /// The archive contradicts itself.
    Corrupt,
    /// A file that this deployment protects.
    Protected,
    /// Something that looks like a credential.
    Secret,
}

/// A change that may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChange {
    path: RepoPath,
    kind: VerifiedKind,
}

/// What a [`VerifiedChange`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedKind {
    /// Create or replace the file.
    Write {
        /// Whether it is executable (mode 755, otherwise 644).
        executable: bool,
        /// The whole content.
        content: Vec<u8>,
        /// Whether the base commit had it.
        existed: bool,
    },
    /// Remove the file.
    Delete,
}

impl VerifiedChange {
    /// Where.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// What.
    pub fn kind(&self) -> &VerifiedKind {
        &self.kind
    }

    /// The action in the SPEC's words.
    pub fn action(&self) -> FileAction {
        match &self.kind {
            VerifiedKind::Write { existed: false, .. } => FileAction::Create,
            VerifiedKind::Write { existed: true, .. } => FileAction::Modify,
            VerifiedKind::Delete => FileAction::Delete,
        }
    }
}

/// A change set in which every change is allowed by the approved SPEC. Not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChangeSet {
    workflow_id: WorkflowId,
    attempt: Attempt,
    base_commit: CommitSha,
    spec_digest: Digest,
    changes: Vec<VerifiedChange>,
}

impl VerifiedChangeSet {
    /// The workflow.
    pub fn workflow_id(&self) -> &WorkflowId {
        &self.workflow_id
    }

    /// The attempt.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The commit to build on.
    pub fn base_commit(&self) -> &CommitSha {
        &self.base_commit
    }

    /// The SPEC it was checked against.
    pub fn spec_digest(&self) -> Digest {
        self.spec_digest
    }

    /// The changes, in path order.
    pub fn changes(&self) -> &[VerifiedChange] {
        &self.changes
    }
}

/// Why a change set may not be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It changes nothing.
    #[error("the run changed no file")]
    Empty,
    /// It breaks rules.
    #[error("the run's change set breaks {} rule(s)", .0.len())]
    Violations(Vec<Violation>),
}

/// Checks a change set against the approved SPEC.
///
/// `contents` holds the archive's files by the digest that the reader computed itself.
///
/// # Errors
/// Every violation, not only the first; or that nothing changed.
pub fn verify(
    manifest: &Manifest,
    contents: &BTreeMap<Digest, Vec<u8>>,
    context: VerifyContext<'_>,
) -> Result<VerifiedChangeSet, NotVerified> {
    let mut violations = Vec::new();
    check_identity(manifest, context, &mut violations);
    let scope = context.spec.scope();
    let mut changes: BTreeMap<RepoPath, VerifiedChange> = BTreeMap::new();
    let mut total = 0_u64;
    for entry in &manifest.entries {
        let shown: String = entry.path.escape_debug().take(300).collect();
        let mut say = |kind, message: String| {
            violations.push(Violation { path: shown.clone(), kind, message });
        };
        let path: RepoPath = match entry.path.parse() {
            Ok(path) => path,
            Err(error) => {
                say(ViolationKind::InvalidPath, error.to_string());
                continue;
            }
        };
        let exists = context.base_paths.contains(path.as_str());
        let action = match &entry.change {
            Change::Deleted if !exists => {
                say(ViolationKind::Corrupt, format!("`{path}` is said to be deleted but was never there"));
                continue;
            }
            Change::Deleted => FileAction::Delete,
            Change::Written { .. } | Change::Rejected { .. } if exists => FileAction::Modify,
            Change::Written { .. } | Change::Rejected { .. } => FileAction::Create,
        };
        match scope.get(&path) {
            None => say(
                ViolationKind::PathNotInSpec,
                format!("`{path}` was changed ({}), but the approved SPEC does not name it", action.as_str()),
            ),
            Some(allowed) if *allowed != action => say(
                ViolationKind::ActionMismatch,
                format!("the approved SPEC says {} `{path}`, but the run did {}", allowed.as_str(), action.as_str()),
            ),
            Some(_) => {}
        }
        if path.protection() == Some(Protection::Workflow) && !context.policy.allow_workflow_files {
            say(ViolationKind::Protected, format!("this deployment lets nobody change `{path}`"));
        }
        let kind = match &entry.change {
            Change::Deleted => VerifiedKind::Delete,
            Change::Rejected { reason, .. } => {
                let (kind, message) = describe_rejected(*reason);
                say(kind, format!("`{path}` {message}"));
                continue;
            }
            Change::Written { mode, size, digest, .. } => {
                if !matches!(*mode, 0o644 | 0o755) {
                    say(ViolationKind::Mode, format!("`{path}` has mode {mode:o}; only 644 and 755 are allowed"));
                }
                let Some(content) = contents.get(digest).filter(|bytes| bytes.len() as u64 == *size) else {
                    say(ViolationKind::Corrupt, format!("the content of `{path}` is missing or has another size"));
                    continue;
                };
                total = total.saturating_add(*size);
                if *size > context.policy.max_file_bytes {
                    say(ViolationKind::TooLarge, format!("`{path}` has {size} bytes, more than is allowed"));
                }
                let known = KnownSecrets::default();
                if let Some(what) = secret_in(content, &known).or_else(|| secret_in(path.as_str().as_bytes(), &known)) {
                    say(ViolationKind::Secret, format!("`{path}` contains {what}"));
                }
                VerifiedKind::Write { executable: *mode == 0o755, content: content.clone(), existed: exists }
            }
        };
        if changes.insert(path.clone(), VerifiedChange { path: path.clone(), kind }).is_some() {
            say(ViolationKind::Corrupt, format!("`{path}` is listed twice"));
        }
    }
    if total > context.policy.max_total_bytes {
        violations.push(Violation {
            path: String::new(),
            kind: ViolationKind::TooLarge,
            message: format!("all changes together have {total} bytes, more than is allowed"),
        });
    }
    check_twins(&changes, context.base_paths, &mut violations);
    if !violations.is_empty() {
        return Err(NotVerified::Violations(violations));
    }
    let Ok(spec_digest) = context.spec.digest() else {
        return Err(NotVerified::Violations(vec![corrupt("the SPEC has no canonical form")]));
    };
    if changes.is_empty() {
        return Err(NotVerified::Empty);
    }
    Ok(VerifiedChangeSet {
        workflow_id: manifest.workflow_id.clone(),
        attempt: manifest.attempt,
        base_commit: context.base_commit.clone(),
        spec_digest,
        changes: changes.into_values().collect(),
    })
}

fn corrupt(message: &str) -> Violation {
    Violation { path: String::new(), kind: ViolationKind::Corrupt, message: message.to_owned() }
}

fn check_identity(manifest: &Manifest, context: VerifyContext<'_>, violations: &mut Vec<Violation>) {
    if manifest.workflow_id != context.spec.workflow_id || manifest.attempt != context.attempt {
        violations.push(corrupt("the change set belongs to another run"));
    }
    if manifest.base_commit != *context.base_commit {
        violations.push(corrupt("the change set was made from another commit"));
    }
}

fn describe_rejected(reason: RejectReason) -> (ViolationKind, &'static str) {
    match reason {
        RejectReason::SymbolicLink => (ViolationKind::NotARegularFile, "is a symbolic link"),
        RejectReason::SpecialFile => (ViolationKind::NotARegularFile, "is a device, socket or pipe"),
        RejectReason::HardLink => (ViolationKind::NotARegularFile, "has a second name (hard link)"),
        RejectReason::TooLarge => (ViolationKind::TooLarge, "is larger than is allowed"),
        RejectReason::TooMuch => (ViolationKind::TooLarge, "came after the limit of the whole change set was reached"),
        RejectReason::Unreadable => (ViolationKind::Corrupt, "could not be read"),
        RejectReason::NotUtf8 => (ViolationKind::InvalidPath, "has a name that is not UTF-8"),
    }
}

/// No written path may be the same file as another changed or existing path once letters are folded.
fn check_twins(
    changes: &BTreeMap<RepoPath, VerifiedChange>,
    base_paths: &BTreeSet<String>,
    violations: &mut Vec<Violation>,
) {
    let deleted = |path: &str| {
        changes.iter().any(|(other, change)| other.as_str() == path && change.kind == VerifiedKind::Delete)
    };
    let mut by_fold: BTreeMap<String, &str> = BTreeMap::new();
    for path in base_paths.iter().filter(|path| !deleted(path)) {
        by_fold.insert(fold(path), path);
    }
    for path in changes.values().filter(|change| change.kind != VerifiedKind::Delete).map(VerifiedChange::path) {
        match by_fold.insert(path.folded(), path.as_str()) {
            Some(other) if other != path.as_str() => violations.push(Violation {
                path: path.as_str().to_owned(),
                kind: ViolationKind::TwinPath,
                message: format!("`{path}` and `{other}` are one file on some file systems"),
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;

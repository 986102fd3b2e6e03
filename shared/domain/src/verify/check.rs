//! The verification itself.

use std::collections::{BTreeMap, BTreeSet};

use super::binary::{is_binary, may_be_binary};
use super::{
    NotVerified, VerifiedChange, VerifiedChangeSet, VerifiedKind, VerifyContext, Violation, ViolationKind, twins,
};
use crate::change_set::{Change, Manifest, ManifestEntry, RejectReason};
use crate::digest::Digest;
use crate::path::{InvalidPath, Protection, RepoPath};
use crate::secrets::{Finding, find};
use crate::spec::{FileAction, SpecFile};
use crate::verify::base::{BaseFile, BaseKind};

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
    let mut check = Check {
        context,
        contents,
        scope: context.spec.files.iter().map(|file| (&file.path, file)).collect(),
        changes: BTreeMap::new(),
        total: 0,
        violations: Vec::new(),
    };
    check.identity(manifest);
    for entry in &manifest.entries {
        check.entry(entry);
    }
    check.finish(manifest)
}

struct Check<'a> {
    context: VerifyContext<'a>,
    contents: &'a BTreeMap<Digest, Vec<u8>>,
    scope: BTreeMap<&'a RepoPath, &'a SpecFile>,
    changes: BTreeMap<RepoPath, VerifiedChange>,
    total: u64,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn say(&mut self, path: &str, kind: ViolationKind, message: String) {
        let path = path.escape_debug().take(300).collect();
        self.violations.push(Violation { path, kind, message });
    }

    fn identity(&mut self, manifest: &Manifest) {
        let Self { context, .. } = self;
        if manifest.workflow_id != context.spec.workflow_id || manifest.attempt != context.attempt {
            self.say("", ViolationKind::Corrupt, "the change set belongs to another run".to_owned());
        }
        if manifest.base_commit != *self.context.base_commit {
            self.say("", ViolationKind::Corrupt, "the change set was made from another commit".to_owned());
        }
    }

    fn entry(&mut self, entry: &ManifestEntry) {
        if let Some(finding) = find("", entry.path.as_bytes(), self.context.known).into_iter().next() {
            // The name would be repeated to everybody who is told of a violation.
            let message = format!("the name of a changed file, which is not repeated here, contains {}", finding.what);
            return self.say("", ViolationKind::Secret, message);
        }
        let path: RepoPath = match entry.path.parse() {
            Ok(path) => path,
            Err(error) => {
                let error: InvalidPath = error;
                return self.say(&entry.path, ViolationKind::InvalidPath, error.to_string());
            }
        };
        let base = self.context.base.files.get(path.as_str());
        let action = match &entry.change {
            Change::Deleted if base.is_none() => {
                let message = format!("`{path}` is said to be deleted but was never there");
                return self.say(&entry.path, ViolationKind::Corrupt, message);
            }
            Change::Deleted => FileAction::Delete,
            Change::Written { .. } | Change::Rejected { .. } if base.is_some() => FileAction::Modify,
            Change::Written { .. } | Change::Rejected { .. } => FileAction::Create,
        };
        self.in_scope(&path, action);
        if let Some(message) = base.and_then(|base| unlike_a_file(&path, base.kind, action)) {
            self.say(path.as_str(), ViolationKind::NotARegularFile, message);
        }
        let kind = match &entry.change {
            Change::Deleted => Some(VerifiedKind::Delete),
            Change::Rejected { reason, .. } => {
                let (kind, message) = describe_rejected(*reason);
                self.say(path.as_str(), kind, format!("`{path}` {message}"));
                None
            }
            Change::Written { mode, size, digest, .. } => self.written(&path, base, *mode, *size, *digest),
        };
        let Some(kind) = kind else { return };
        let protection = self.protection(&path);
        let change = VerifiedChange { path: path.clone(), kind, protection };
        if self.changes.insert(path.clone(), change).is_some() {
            self.say(path.as_str(), ViolationKind::Corrupt, format!("`{path}` is listed twice"));
        }
    }

    fn protection(&self, path: &RepoPath) -> Option<Protection> {
        self.context.base.protected.protection(path)
    }

    /// The SPEC must name the path with this action and, where it is protected, have said so at the gate.
    fn in_scope(&mut self, path: &RepoPath, action: FileAction) {
        let protection = self.protection(path);
        match self.scope.get(path) {
            None => self.say(
                path.as_str(),
                ViolationKind::PathNotInSpec,
                format!("`{path}` was changed ({}), but the approved SPEC does not name it", action.as_str()),
            ),
            Some(file) => {
                let (allowed, shown) = (file.action, file.protection.is_some());
                if allowed != action {
                    let message = format!(
                        "the approved SPEC says {} `{path}`, but the run did {}",
                        allowed.as_str(),
                        action.as_str()
                    );
                    self.say(path.as_str(), ViolationKind::ActionMismatch, message);
                }
                if let Some(rule) = protection.filter(|_| !shown) {
                    let message = format!(
                        "`{path}` is protected ({}), but was not marked so when the SPEC was approved",
                        rule.describe()
                    );
                    self.say(path.as_str(), ViolationKind::Protected, message);
                }
            }
        }
        if protection == Some(Protection::Workflow) && !self.context.policy.allow_workflow_files {
            self.say(path.as_str(), ViolationKind::Protected, format!("this deployment lets nobody change `{path}`"));
        }
    }

    /// A file with new content. `None` when there is none.
    fn written(
        &mut self,
        path: &RepoPath,
        base: Option<&BaseFile>,
        mode: u32,
        size: u64,
        digest: Digest,
    ) -> Option<VerifiedKind> {
        if !matches!(mode, 0o644 | 0o755) {
            let message = format!("`{path}` has mode {mode:o}; only 644 and 755 are allowed");
            self.say(path.as_str(), ViolationKind::Mode, message);
        }
        let Some(content) = self.contents.get(&digest).filter(|bytes| bytes.len() as u64 == size) else {
            let message = format!("the content of `{path}` is missing or has another size");
            self.say(path.as_str(), ViolationKind::Corrupt, message);
            return None;
        };
        let executable = mode == 0o755;
        let before = base.and_then(|base| base.content.as_ref());
        let same_mode = base.is_some_and(|base| (base.kind == BaseKind::Executable) == executable);
        if same_mode && before.is_some_and(|before| before.digest == digest) {
            let message = format!("`{path}` is said to be changed but is what the base commit has");
            self.say(path.as_str(), ViolationKind::Corrupt, message);
        }
        self.total = self.total.saturating_add(size);
        let limit = self.context.policy.max_file_bytes;
        if size > limit {
            let message = format!("`{path}` has {size} bytes; {limit} are allowed");
            self.say(path.as_str(), ViolationKind::TooLarge, message);
        }
        if is_binary(content) && !before.is_some_and(|before| before.binary) && !may_be_binary(path) {
            let message = format!("`{path}` is not text, and neither was it before nor does its name say so");
            self.say(path.as_str(), ViolationKind::Binary, message);
        }
        let published = before.map(|before| &before.credentials);
        if let Some(what) = self.credential(path, content, published) {
            self.say(path.as_str(), ViolationKind::Secret, format!("`{path}` contains {what}"));
        }
        Some(VerifiedKind::Write { executable, content: content.clone(), existed: base.is_some() })
    }

    /// A credential in the content, unless the base commit's file holds it too. One of ours is never let pass.
    fn credential(&self, path: &RepoPath, content: &[u8], published: Option<&BTreeSet<Digest>>) -> Option<String> {
        let is_new = |finding: &Finding| finding.ours || !published.is_some_and(|list| list.contains(&finding.digest));
        find(path.as_str(), content, self.context.known).into_iter().find(is_new).map(|finding| finding.what)
    }

    fn finish(mut self, manifest: &Manifest) -> Result<VerifiedChangeSet, NotVerified> {
        let limit = self.context.policy.max_total_bytes;
        if self.total > limit {
            let message = format!("all changes together have {} bytes; {limit} are allowed", self.total);
            self.say("", ViolationKind::TooLarge, message);
        }
        let base_paths = self.context.base.files.keys().map(String::as_str);
        twins::check(&self.changes, base_paths, &mut self.violations);
        let spec_digest = self.context.spec.digest();
        if spec_digest.is_err() {
            self.say("", ViolationKind::Corrupt, "the SPEC has no canonical form".to_owned());
        }
        match spec_digest {
            Ok(spec_digest) if self.violations.is_empty() => {
                if self.changes.is_empty() {
                    return Err(NotVerified::Empty);
                }
                Ok(VerifiedChangeSet {
                    workflow_id: manifest.workflow_id.clone(),
                    attempt: manifest.attempt,
                    base_commit: self.context.base_commit.clone(),
                    spec_digest,
                    changes: self.changes.into_values().collect(),
                })
            }
            _ => Err(NotVerified::Violations(self.violations)),
        }
    }
}

/// A link or submodule is not changed like a file.
fn unlike_a_file(path: &RepoPath, kind: BaseKind, action: FileAction) -> Option<String> {
    match (kind, action) {
        (BaseKind::File | BaseKind::Executable, _) | (BaseKind::Symlink, FileAction::Delete) => None,
        (BaseKind::Symlink, _) => {
            Some(format!("`{path}` is a symbolic link at the base commit; it can only be deleted"))
        }
        (BaseKind::Submodule, _) => Some(format!("`{path}` is a submodule, which no change set can touch")),
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

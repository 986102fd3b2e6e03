//! Adds files that an agent asked for to an approved SPEC. No model is asked: the same request on the same SPEC and
//! tree always gives the same amendment.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::validate::{MAX_FILES, WORKFLOW_FILE, existing_twin, file_parent};
use super::{FileAction, Spec, SpecFile};
use crate::ids::{Attempt, CommitSha, Revision};
use crate::path::{ProtectedPaths, Protection, RepoPath};
use crate::text;

/// Most files that one request may name.
pub const MAX_REQUESTED: usize = 20;
/// Longest reason of an agent that is kept, characters.
const MAX_REASON: usize = 2_000;
/// Longest refused path that is repeated, characters.
const MAX_SHOWN: usize = 200;

/// What makes a SPEC an amendment of one that people approved. It is part of what they decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// The approved revision. Besides files and base commit, this SPEC repeats it.
    pub of: Revision,
    /// The commit that the approved revision was written for.
    pub of_base_commit: CommitSha,
    /// The attempt whose agent asked.
    pub asked_in: Attempt,
    /// What the approved revision does not name, in path order.
    pub added: Vec<RepoPath>,
    /// The agent's reason, in its words. Nobody has checked it.
    pub agent_reason: String,
}

/// A path that an agent asked for and that no person has to decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedPath {
    /// The path as the agent named it, control characters escaped, shortened.
    pub path: String,
    /// Why, in words for the agent.
    pub reason: String,
}

/// What a request is judged by.
#[derive(Debug, Clone, Copy)]
pub struct AmendContext<'a> {
    /// The approved SPEC.
    pub approved: &'a Spec,
    /// The number of the revision that the amendment would be.
    pub revision: Revision,
    /// The attempt whose agent asks.
    pub attempt: Attempt,
    /// The commit that its workspace was made from.
    pub base_commit: &'a CommitSha,
    /// Every file at that commit.
    pub base_paths: &'a BTreeSet<String>,
    /// What the repository protects.
    pub protected: &'a ProtectedPaths,
    /// Whether this deployment lets a SPEC name files under `.github/workflows`.
    pub allow_workflow_files: bool,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Amended {
    /// The next revision, if at least one path can be put before people.
    pub spec: Option<Spec>,
    /// The paths that cannot.
    pub refused: Vec<RefusedPath>,
}

/// Judges an agent's request for more files and makes the next revision of the approved SPEC.
///
/// A wanted file is to be modified if it exists at the base commit, otherwise created.
pub fn amend(paths: &[String], reason: &str, context: AmendContext<'_>) -> Amended {
    let mut refused = Vec::new();
    let mut added: Vec<RepoPath> = Vec::new();
    for wanted in paths.iter().take(MAX_REQUESTED) {
        match judge(wanted, &added, context) {
            Ok(path) if added.contains(&path) => {}
            Ok(path) => added.push(path),
            Err(why) => refused.push(RefusedPath { path: shown(wanted), reason: why }),
        }
    }
    if let Some(first) = paths.get(MAX_REQUESTED) {
        let reason = format!("one request may name {MAX_REQUESTED} files; this one and all after it were left out");
        refused.push(RefusedPath { path: shown(first), reason });
    }
    added.sort();
    let spec = (!added.is_empty()).then(|| amended(added, reason, context));
    Amended { spec, refused }
}

fn amended(added: Vec<RepoPath>, reason: &str, context: AmendContext<'_>) -> Spec {
    let AmendContext { approved, revision, attempt, base_commit, base_paths, .. } = context;
    let mut files = approved.files.clone();
    files.extend(added.iter().map(|path| SpecFile {
        path: path.clone(),
        action: if base_paths.contains(path.as_str()) { FileAction::Modify } else { FileAction::Create },
        reason: format!("Added: the agent asked for it in attempt {attempt}."),
        protection: context.protected.protection(path),
    }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Spec {
        revision,
        base_commit: base_commit.clone(),
        files,
        amendment: Some(Amendment {
            of: approved.revision,
            of_base_commit: approved.base_commit.clone(),
            asked_in: attempt,
            added,
            agent_reason: text::lines(reason, MAX_REASON),
        }),
        ..approved.clone()
    }
}

/// The path, or why nobody needs to be asked about it.
fn judge(wanted: &str, added: &[RepoPath], context: AmendContext<'_>) -> Result<RepoPath, String> {
    let path: RepoPath = wanted
        .parse()
        .map_err(|error: crate::path::InvalidPath| format!("{}; give an exact path from the root", error.reason))?;
    let AmendContext { approved, base_paths, .. } = context;
    if let Some(file) = approved.files.iter().find(|file| file.path == path) {
        return Err(format!(
            "the approved SPEC names it already, to {} it: no request is needed",
            file.action.as_str()
        ));
    }
    let folded = path.folded();
    let named = || approved.files.iter().map(|file| &file.path).chain(added);
    if let Some(twin) = named().find(|other| **other != path && other.folded() == folded) {
        return Err(format!("it and `{twin}` are one file on some file systems"));
    }
    if path.protection() == Some(Protection::Workflow) && !context.allow_workflow_files {
        return Err(WORKFLOW_FILE.to_owned());
    }
    if !base_paths.contains(path.as_str()) {
        if let Some(twin) = existing_twin(&folded, base_paths) {
            return Err(format!("it and the existing file `{twin}` are one file on some file systems"));
        }
        let folder = format!("{path}/");
        if base_paths.iter().any(|other| other.starts_with(&folder)) {
            return Err("it is a folder; ask for the exact files in it".to_owned());
        }
        if let Some(parent) =
            file_parent(&path, |parent| base_paths.contains(parent) || named().any(|other| other.as_str() == parent))
        {
            return Err(format!("`{parent}` is a file, so nothing can be below it"));
        }
        if let Some(below) = named().find(|other| other.as_str().starts_with(&folder)) {
            return Err(format!("`{below}` is below it, so it cannot be a file"));
        }
    }
    if approved.files.len() + added.len() >= MAX_FILES && !added.contains(&path) {
        return Err(format!("a SPEC may name {MAX_FILES} files, and that many are named"));
    }
    Ok(path)
}

fn shown(path: &str) -> String {
    text::one_line(&path.escape_debug().to_string(), MAX_SHOWN)
}

#[cfg(test)]
#[path = "amend_tests.rs"]
mod tests;

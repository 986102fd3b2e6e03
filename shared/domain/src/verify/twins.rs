//! No new path may be the same as another one on some file system, nor stand where a file is.

use std::collections::{BTreeMap, BTreeSet};

use super::{VerifiedChange, VerifiedKind, Violation, ViolationKind};
use crate::path::{RepoPath, fold};
use crate::spec::FileAction;

/// The names in a tree, by their folded form.
#[derive(Default)]
struct Names<'a> {
    files: BTreeMap<String, &'a str>,
    /// A folder may have several spellings in a repository that was made so.
    folders: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    fn insert(&mut self, path: &'a str) {
        self.files.insert(fold(path), path);
        for folder in folders(path) {
            self.folders.entry(fold(folder)).or_default().insert(folder);
        }
    }

    /// Why `path` cannot be new in this tree.
    fn clash(&self, path: &str) -> Option<String> {
        let folded = fold(path);
        if let Some(other) = self.files.get(&folded) {
            return Some(format!("`{path}` and `{other}` are one file on some file systems"));
        }
        if let Some(other) = self.folders.get(&folded).and_then(BTreeSet::first) {
            return Some(format!("`{path}` cannot be a file, because `{other}` is a folder"));
        }
        folders(path).find_map(|folder| {
            let folded = fold(folder);
            if let Some(file) = self.files.get(&folded) {
                return Some(format!("`{path}` cannot be, because `{file}` is a file"));
            }
            let known = self.folders.get(&folded)?;
            let other = known.first().filter(|_| !known.contains(folder))?;
            Some(format!("`{folder}/` and `{other}/` are one folder on some file systems"))
        })
    }
}

/// The folders above a path, the nearest last.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Checks every path that the change set creates against what the tree has then.
pub(super) fn check<'a>(
    changes: &'a BTreeMap<RepoPath, VerifiedChange>,
    base_paths: impl Iterator<Item = &'a str>,
    violations: &mut Vec<Violation>,
) {
    let created = changes.values().filter(|change| change.action() == FileAction::Create).map(VerifiedChange::path);
    let mut created = created.peekable();
    if created.peek().is_none() {
        return;
    }
    let deleted: BTreeSet<&str> = changes
        .values()
        .filter(|change| change.kind == VerifiedKind::Delete)
        .map(|change| change.path.as_str())
        .collect();
    let mut names = Names::default();
    for path in base_paths.filter(|path| !deleted.contains(path)) {
        names.insert(path);
    }
    for path in created {
        if let Some(message) = names.clash(path.as_str()) {
            violations.push(Violation { path: path.as_str().to_owned(), kind: ViolationKind::TwinPath, message });
        }
        names.insert(path.as_str());
    }
}

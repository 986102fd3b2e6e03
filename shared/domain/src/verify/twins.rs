//! No new path may be the same as another one on some file system, nor stand where a file is.

use std::collections::{BTreeMap, BTreeSet};

use super::{VerifiedChange, VerifiedKind, Violation, ViolationKind};
use crate::path::{RepoPath, fold, folders};
use crate::spec::FileAction;

/// The names in a tree that may clash with a new path, by their folded form.
struct Names<'a> {
    /// The folded forms that new paths and their folders have. Whatever stands above one of them is among them too.
    wanted: BTreeSet<String>,
    files: BTreeMap<String, &'a str>,
    /// A folder may have several spellings in a repository that was made so.
    folders: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    fn wanted<'b>(created: impl Iterator<Item = &'b str>) -> Self {
        let above = |folded: String| folders(&folded).map(str::to_owned).chain([folded.clone()]).collect::<Vec<_>>();
        let wanted = created.map(fold).flat_map(above).collect();
        Self { wanted, files: BTreeMap::new(), folders: BTreeMap::new() }
    }

    /// Takes a path in. `Some`: a folder of it that no new path is in, so that nothing below it matters.
    fn insert(&mut self, path: &'a str) -> Option<&'a str> {
        for folder in folders(path) {
            let folded = fold(folder);
            if !self.wanted.contains(&folded) {
                return Some(folder);
            }
            self.folders.entry(folded).or_default().insert(folder);
        }
        let folded = fold(path);
        if self.wanted.contains(&folded) {
            self.files.insert(folded, path);
        }
        None
    }

    /// Takes in the paths of a tree. Of a large one most folders are passed over.
    fn insert_all(&mut self, paths: impl Iterator<Item = &'a str>) {
        let mut passed_over = None;
        for path in paths {
            if !passed_over.is_some_and(|folder| is_below(path, folder)) {
                passed_over = self.insert(path);
            }
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

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Checks every path that the change set creates against what the tree has then.
pub(super) fn check<'a>(
    changes: &'a BTreeMap<RepoPath, VerifiedChange>,
    base_paths: impl Iterator<Item = &'a str>,
    violations: &mut Vec<Violation>,
) {
    let created = changes.values().filter(|change| change.action() == FileAction::Create).map(VerifiedChange::path);
    let created: Vec<&str> = created.map(RepoPath::as_str).collect();
    if created.is_empty() {
        return;
    }
    let deleted: BTreeSet<&str> = changes
        .values()
        .filter(|change| change.kind == VerifiedKind::Delete)
        .map(|change| change.path.as_str())
        .collect();
    let mut names = Names::wanted(created.iter().copied());
    names.insert_all(base_paths.filter(|path| !deleted.contains(path)));
    for path in created {
        if let Some(message) = names.clash(path) {
            violations.push(Violation { path: path.to_owned(), kind: ViolationKind::TwinPath, message });
        }
        names.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What is found in all names, whether or not they are wanted.
    fn clashes_in_everything(base: &[String], created: &[String]) -> Vec<Option<String>> {
        let everything = base.iter().chain(created).map(String::as_str);
        let mut names = Names::wanted(everything);
        for path in base {
            assert_eq!(names.insert(path), None);
        }
        let mut all = Vec::new();
        for path in created {
            all.push(names.clash(path));
            names.insert(path);
        }
        all
    }

    fn clashes(base: &[String], created: &[String]) -> Vec<Option<String>> {
        let mut names = Names::wanted(created.iter().map(String::as_str));
        names.insert_all(base.iter().map(String::as_str));
        let mut all = Vec::new();
        for path in created {
            all.push(names.clash(path));
            names.insert(path);
        }
        all
    }

    proptest! {
        /// With names that fold into each other, into nothing, and into two components.
        #[test]
        fn what_is_passed_over_would_not_have_clashed(
            base in vec("[aAßsS](/|\u{ff0f}|\u{200b}|/\u{338})?[aAsS\u{ff0f}]?(/[abß])?", 0..12),
            created in vec("[aAßsS](/|\u{ff0f}|\u{200b}|/\u{338})?[aAsS\u{ff0f}]?(/[abß])?", 1..4),
        ) {
            prop_assert_eq!(clashes(&base, &created), clashes_in_everything(&base, &created));
        }
    }

    #[test]
    fn a_folder_whose_name_folds_into_two_is_not_passed_over() {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert!(clashes(&owned(&["x/y"]), &owned(&["X\u{ff0f}Y/w"]))[0].is_some());
        assert!(clashes(&owned(&["x\u{ff0f}y"]), &owned(&["x/y/w"]))[0].is_some());
        assert!(clashes(&owned(&["x/z/1", "x/z/2", "x/Y/2"]), &owned(&["x/y/1"]))[0].is_some());
        assert_eq!(clashes(&owned(&["x/z/1", "x/z/2", "x/y/2"]), &owned(&["x/y/1"])), [None]);
    }
}

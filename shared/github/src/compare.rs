//! What lies between two commits.

use std::collections::{BTreeMap, BTreeSet};

use domain::CommitSha;
use serde::Deserialize;

use crate::error::GithubError;
use crate::repo::Repo;
use crate::tree::Tree;

/// GitHub names at most this many files of a comparison.
const MAX_LISTED: usize = 300;

/// What lies between a base and a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How the two are related.
    pub status: ComparisonStatus,
    /// Commits that only the head has.
    pub ahead_by: u64,
    /// Commits that only the base has.
    pub behind_by: u64,
    /// The last commit that both have.
    pub merge_base: CommitSha,
    /// Every path that differs between the merge base and the head, both names of a renamed file. Complete.
    pub changed_paths: BTreeSet<String>,
    /// What changed in text files, as GitHub shows it: not of every path, and cut off where it is long.
    pub patches: BTreeMap<String, String>,
}

/// How two commits are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonStatus {
    /// They are the same.
    Identical,
    /// The head follows from the base.
    Ahead,
    /// The base follows from the head.
    Behind,
    /// Each has commits that the other has not.
    Diverged,
}

#[derive(Deserialize)]
struct CompareBody {
    status: ComparisonStatus,
    ahead_by: u64,
    behind_by: u64,
    merge_base_commit: ShaBody,
    #[serde(default)]
    files: Vec<FileBody>,
}

#[derive(Deserialize)]
struct ShaBody {
    sha: CommitSha,
}

#[derive(Deserialize)]
struct FileBody {
    filename: String,
    previous_filename: Option<String>,
    patch: Option<String>,
}

impl Repo {
    /// Compares two commits. Where GitHub's own list of files is cut off, the two trees are compared instead.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when one is unknown or they have no common history.
    pub async fn compare(&self, base: &CommitSha, head: &CommitSha) -> Result<Comparison, GithubError> {
        let route = format!("/compare/{base}...{head}?per_page=1");
        let body: CompareBody = self.read(&route, &format!("common history of {base} and {head}")).await?;
        let merge_base = body.merge_base_commit.sha;
        let patches = body.files.iter().filter_map(|file| Some((file.filename.clone(), file.patch.clone()?))).collect();
        let changed_paths = if body.files.len() < MAX_LISTED {
            body.files
                .into_iter()
                .flat_map(|file| std::iter::once(file.filename).chain(file.previous_filename))
                .collect()
        } else {
            differences(&self.tree(&merge_base).await?, &self.tree(head).await?)
        };
        Ok(Comparison {
            status: body.status,
            ahead_by: body.ahead_by,
            behind_by: body.behind_by,
            merge_base,
            changed_paths,
            patches,
        })
    }
}

/// Every path that is not the same in both.
fn differences(old: &Tree, new: &Tree) -> BTreeSet<String> {
    let index = |tree: &Tree| -> BTreeMap<String, (crate::EntryKind, CommitSha)> {
        tree.entries.iter().map(|entry| (entry.path.clone(), (entry.kind, entry.sha.clone()))).collect()
    };
    let (old, new) = (index(old), index(new));
    old.keys().chain(new.keys()).filter(|path| old.get(*path) != new.get(*path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{EntryKind, TreeEntry};

    fn tree(entries: &[(&str, EntryKind, &str)]) -> Tree {
        let entry = |(path, kind, letter): &(&str, EntryKind, &str)| TreeEntry {
            path: (*path).to_owned(),
            kind: *kind,
            sha: letter.repeat(40).parse().unwrap(),
            size: 1,
        };
        Tree { sha: "0".repeat(40).parse().unwrap(), entries: entries.iter().map(entry).collect() }
    }

    #[test]
    fn both_names_of_a_rename_and_changes_of_mode_count() {
        use EntryKind::{Executable, File};
        let old = tree(&[("same", File, "a"), ("old", File, "b"), ("mode", File, "c"), ("text", File, "d")]);
        let new = tree(&[("same", File, "a"), ("new", File, "b"), ("mode", Executable, "c"), ("text", File, "e")]);
        let changed: Vec<String> = differences(&old, &new).into_iter().collect();
        assert_eq!(changed, ["mode", "new", "old", "text"]);
    }
}

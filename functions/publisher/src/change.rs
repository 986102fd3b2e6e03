//! From a verified change set to a tree on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use domain::CommitSha;
use domain::failure::{Failure, FailureKind};
use domain::verify::{VerifiedChangeSet, VerifiedKind};
use futures::{StreamExt as _, TryStreamExt as _};
use github::{Blob, EntryKind, NewTreeEntry, Repo, Tree, blob_id};
use similar::TextDiff;

use crate::text::{FileRow, Lines};

/// Blobs that are written or read at the same time.
const PARALLEL: usize = 4;
/// Largest file whose lines are compared, bytes; larger ones are shown as not being text.
const MAX_DIFFED: usize = 1024 * 1024;

/// Stores the tree that `base` becomes by the change set, and looks whether it is exactly that: every changed path
/// has the verified content and mode, and no other path differs from the base.
///
/// # Errors
/// `Inconsistent` when the stored tree is another one; what GitHub answered.
pub(crate) async fn store_tree(repo: &Repo, base: &Tree, changes: &VerifiedChangeSet) -> Result<CommitSha, Failure> {
    let entries: Vec<NewTreeEntry> = futures::stream::iter(changes.changes())
        .map(|change| async move {
            let path = change.path().as_str().to_owned();
            match change.kind() {
                VerifiedKind::Delete => Ok::<_, Failure>(NewTreeEntry::Delete { path }),
                VerifiedKind::Write { executable, content, .. } => {
                    let blob: Blob = repo.create_blob(content).await?;
                    Ok(NewTreeEntry::Write { path, kind: kind(*executable), blob })
                }
            }
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let sha = repo.create_tree(&base.sha, &entries).await?;
    let stored = repo.tree(&sha).await?;
    if let Some(path) = first_difference(base, &stored, changes) {
        return Err(Failure::new(
            FailureKind::Inconsistent,
            format!(
                "the tree that GitHub stored differs from the verified change set at `{path}`; nothing was published"
            ),
        ));
    }
    Ok(sha)
}

const fn kind(executable: bool) -> EntryKind {
    if executable { EntryKind::Executable } else { EntryKind::File }
}

/// The first path at which `stored` is not `base` with the changes.
fn first_difference(base: &Tree, stored: &Tree, changes: &VerifiedChangeSet) -> Option<String> {
    let index = |tree: &Tree| -> BTreeMap<String, (EntryKind, String)> {
        tree.entries.iter().map(|entry| (entry.path.clone(), (entry.kind, entry.sha.to_string()))).collect()
    };
    let mut expected = index(base);
    for change in changes.changes() {
        let path = change.path().as_str().to_owned();
        match change.kind() {
            VerifiedKind::Delete => {
                expected.remove(&path);
            }
            VerifiedKind::Write { executable, content, .. } => {
                expected.insert(path, (kind(*executable), blob_id(content, base.sha.as_str())));
            }
        }
    }
    let stored = index(stored);
    let paths: BTreeSet<&String> = expected.keys().chain(stored.keys()).collect();
    paths.into_iter().find(|path| expected.get(*path) != stored.get(*path)).cloned()
}

/// The changed files with the number of their changed lines.
///
/// # Errors
/// What GitHub answered.
pub(crate) async fn file_rows(repo: &Repo, base: &Tree, changes: &VerifiedChangeSet) -> Result<Vec<FileRow>, Failure> {
    futures::stream::iter(changes.changes())
        .map(|change| async move {
            let path = change.path().as_str();
            let old = match base.entries.iter().find(|entry| entry.path == path) {
                Some(entry) => repo.blob(&entry.sha).await?,
                None => Vec::new(),
            };
            let new: &[u8] = match change.kind() {
                VerifiedKind::Write { content, .. } => content,
                VerifiedKind::Delete => &[],
            };
            Ok(FileRow {
                path: path.to_owned(),
                action: change.action(),
                lines: count_lines(&old, new),
                protection: change.protection(),
            })
        })
        .buffered(PARALLEL)
        .try_collect()
        .await
}

fn count_lines(old: &[u8], new: &[u8]) -> Lines {
    let text = |bytes| if is_text(bytes) { std::str::from_utf8(bytes).ok() } else { None };
    let (Some(old), Some(new)) = (text(old), text(new)) else { return Lines::Binary };
    let (mut added, mut removed) = (0, 0);
    for change in TextDiff::from_lines(old, new).iter_all_changes() {
        match change.tag() {
            similar::ChangeTag::Insert => added += 1,
            similar::ChangeTag::Delete => removed += 1,
            similar::ChangeTag::Equal => {}
        }
    }
    Lines::Text { added, removed }
}

/// As Git sees it: no zero byte in the beginning.
fn is_text(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_DIFFED && !bytes.iter().take(8_000).any(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_binaries_are_not() {
        assert_eq!(count_lines(b"a\nb\nc\n", b"a\nx\nc\nd\n"), Lines::Text { added: 2, removed: 1 });
        assert_eq!(count_lines(b"", b"a\nb"), Lines::Text { added: 2, removed: 0 });
        assert_eq!(count_lines(b"a\n", b""), Lines::Text { added: 0, removed: 1 });
        assert_eq!(count_lines(b"a\n", b"a\0"), Lines::Binary);
        assert_eq!(count_lines(b"a\n", &[0xff, 0xfe]), Lines::Binary);
        assert_eq!(count_lines(b"", &vec![b'a'; MAX_DIFFED + 1]), Lines::Binary);
    }
}

//! What changed between two trees, file by file.

use super::{Git, GitError, Result};
use crate::names::Sha;

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileStatus {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// New contents.
    Modified,
    /// New path, perhaps new contents.
    Renamed,
    /// Another mode or type only.
    Changed,
}

impl FileStatus {
    /// GitHub's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
            Self::Renamed => "renamed",
            Self::Changed => "changed",
        }
    }
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileChange {
    /// The path now (before, when removed).
    pub path: String,
    /// The path before a rename.
    pub previous_path: Option<String>,
    /// How it changed.
    pub status: FileStatus,
    /// The blob now (before, when removed).
    pub blob: Sha,
    /// Added lines.
    pub additions: u64,
    /// Removed lines.
    pub deletions: u64,
    /// The hunks; `None` for binary files and changes of mode or name only.
    pub patch: Option<String>,
}

impl Git {
    /// Changed files between two commits or trees, by path, with renames found and hunks.
    pub(crate) async fn diff(&self, from: &str, to: &str) -> Result<Vec<FileChange>> {
        let raw = self.run(&["diff-tree", "-r", "-z", "-M", "--no-abbrev", "--raw", "--numstat", from, to]).await?;
        let mut files = parse_raw(&raw)?;
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let text = self.diff_text(from, to).await?;
        let mut patches = split_patches(&text).into_iter();
        for (file, sections) in &mut files {
            let own: Vec<String> = patches.by_ref().take(*sections).flatten().collect();
            file.patch = (!own.is_empty()).then(|| own.join("\n"));
        }
        Ok(files.into_iter().map(|(file, _)| file).collect())
    }

    /// The same as one text in `git diff` format.
    pub(crate) async fn diff_text(&self, from: &str, to: &str) -> Result<String> {
        let args =
            ["diff-tree", "-r", "-p", "-M", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", from, to];
        Ok(String::from_utf8_lossy(&self.run(&args).await?).into_owned())
    }
}

/// The changed files, each with how many sections of the patch are about it: a change of type (such as from a file to a
/// symbolic link) is shown as a removal and an addition.
fn parse_raw(out: &[u8]) -> Result<Vec<(FileChange, usize)>> {
    let bad = |detail: String| GitError::Unexpected { command: "diff-tree", detail };
    let mut fields = out.split(|b| *b == 0).map(|f| String::from_utf8_lossy(f).into_owned()).peekable();
    let mut files = Vec::new();
    while let Some(meta) = fields.next_if(|f| f.starts_with(':')) {
        let words: Vec<&str> = meta[1..].split(' ').collect();
        let [_, _, old, new, letter] = words.as_slice() else { return Err(bad(meta)) };
        let first = fields.next().unwrap_or_default();
        let (status, path, previous_path) = match letter.as_bytes().first() {
            Some(b'A') => (FileStatus::Added, first, None),
            Some(b'D') => (FileStatus::Removed, first, None),
            Some(b'R') => (FileStatus::Renamed, fields.next().unwrap_or_default(), Some(first)),
            Some(b'M') if old == new => (FileStatus::Changed, first, None),
            Some(b'T') => (FileStatus::Changed, first, None),
            _ => (FileStatus::Modified, first, None),
        };
        let blob = if status == FileStatus::Removed { old } else { new };
        let blob = Sha::parse(blob).ok_or_else(|| bad(meta.clone()))?;
        let sections = if letter.starts_with('T') { 2 } else { 1 };
        let file = FileChange { path, previous_path, status, blob, additions: 0, deletions: 0, patch: None };
        files.push((file, sections));
    }
    for (file, _) in &mut files {
        let stat = fields.next().unwrap_or_default();
        let mut parts = stat.splitn(3, '\t');
        file.additions = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        file.deletions = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        if parts.next().is_none_or(str::is_empty) {
            // A rename: the two paths follow as fields of their own.
            fields.next();
            fields.next();
        }
    }
    Ok(files)
}

/// Splits `git diff` output into one entry per file, each from its first hunk on.
///
/// Lines of contents always begin with a space, `+`, `-` or `\`, so a line that begins with `diff --git` starts a file.
fn split_patches(text: &str) -> Vec<Option<String>> {
    let mut all: Vec<Option<String>> = Vec::new();
    let mut in_hunks = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("diff --git ") {
            all.push(None);
            in_hunks = false;
            continue;
        }
        in_hunks |= line.starts_with("@@ ");
        if let (true, Some(current)) = (in_hunks, all.last_mut()) {
            current.get_or_insert_default().push_str(line);
        }
    }
    for patch in all.iter_mut().flatten() {
        let kept = patch.trim_end_matches('\n').len();
        patch.truncate(kept);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_added_renamed_and_removed_files() {
        let (zero, a, b) = ("0".repeat(40), "a".repeat(40), "b".repeat(40));
        let raw = format!(
            ":000000 100644 {zero} {a} A\0new.txt\0:100644 100644 {a} {b} R090\0old name\0new name\0\
             :100644 000000 {b} {zero} D\0gone\0:100644 100755 {a} {a} M\0run.sh\0\
             3\t0\tnew.txt\x001\t1\t\0old name\0new name\x000\t2\tgone\x000\t0\trun.sh\0"
        );
        let files: Vec<_> = parse_raw(raw.as_bytes()).unwrap().into_iter().map(|(file, _)| file).collect();
        let brief: Vec<_> = files.iter().map(|f| (f.status, f.path.as_str(), f.additions, f.deletions)).collect();
        assert_eq!(
            brief,
            [
                (FileStatus::Added, "new.txt", 3, 0),
                (FileStatus::Renamed, "new name", 1, 1),
                (FileStatus::Removed, "gone", 0, 2),
                (FileStatus::Changed, "run.sh", 0, 0),
            ]
        );
        assert_eq!(files[1].previous_path.as_deref(), Some("old name"));
        assert_eq!(files[2].blob.as_str(), b);
    }

    #[test]
    fn patches_begin_at_their_first_hunk() {
        let text = "diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-diff --git\n+y\n\
                    diff --git a/b.bin b/b.bin\nBinary files differ\n";
        assert_eq!(split_patches(text), [Some("@@ -1 +1 @@\n-diff --git\n+y".to_owned()), None]);
    }
}

//! Trees, whole.

use domain::CommitSha;
use domain::verify::BaseKind;
use serde::Deserialize;

use crate::error::GithubError;
use crate::repo::Repo;

/// Most folders that are read one by one when a tree is too large for one answer.
const MAX_FOLDERS: usize = 5_000;

/// A tree with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its name.
    pub sha: CommitSha,
    /// Files, links and submodules in path order; folders are not listed.
    pub entries: Vec<TreeEntry>,
}

/// A path in a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// From the root.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Name of the blob (or, for a submodule, of the commit).
    pub sha: CommitSha,
    /// Bytes; 0 for a submodule.
    pub size: u64,
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file that may be run.
    Executable,
    /// A symbolic link; its content is where it leads.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl From<EntryKind> for BaseKind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::File => Self::File,
            EntryKind::Executable => Self::Executable,
            EntryKind::Symlink => Self::Symlink,
            EntryKind::Submodule => Self::Submodule,
        }
    }
}

impl EntryKind {
    /// Git's mode, as the API writes it.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }

    /// Reads Git's mode. Old repositories hold other permission bits (`100664`); only "may be run" counts.
    fn from_mode(mode: &str) -> Option<Self> {
        match mode {
            "120000" => Some(Self::Symlink),
            "160000" => Some(Self::Submodule),
            _ => {
                let bits = u32::from_str_radix(mode.strip_prefix("100")?, 8).ok()?;
                Some(if bits & 0o100 == 0 { Self::File } else { Self::Executable })
            }
        }
    }
}

impl Tree {
    /// Every path but submodules.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let files = self.entries.iter().filter(|entry| entry.kind != EntryKind::Submodule);
        files.map(|entry| entry.path.as_str())
    }
}

#[derive(Deserialize)]
struct TreeBody {
    sha: CommitSha,
    tree: Vec<EntryBody>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct EntryBody {
    path: String,
    mode: String,
    sha: CommitSha,
    #[serde(default)]
    size: u64,
}

impl Repo {
    /// The whole tree `sha` (a tree or a commit). One that is too large for one answer is read folder by folder.
    ///
    /// # Errors
    /// [`GithubError::TooLarge`] when even that takes too many calls.
    pub async fn tree(&self, sha: &CommitSha) -> Result<Tree, GithubError> {
        let whole = self.tree_answer(sha, true).await?;
        let mut entries = Vec::new();
        let mut folders = Vec::new();
        let root = whole.sha.clone();
        if whole.truncated {
            self.take(self.tree_answer(&root, false).await?, "", &mut entries, &mut folders)?;
        } else {
            self.take(whole, "", &mut entries, &mut Vec::new())?;
        }
        let mut read = 0;
        while let Some((path, sha)) = folders.pop() {
            read += 1;
            if read > MAX_FOLDERS {
                return Err(self.too_large());
            }
            let below = self.tree_answer(&sha, true).await?;
            if below.truncated {
                self.take(self.tree_answer(&sha, false).await?, &path, &mut entries, &mut folders)?;
            } else {
                self.take(below, &path, &mut entries, &mut Vec::new())?;
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree { sha: root, entries })
    }

    async fn tree_answer(&self, sha: &CommitSha, recursive: bool) -> Result<TreeBody, GithubError> {
        let query = if recursive { "?recursive=1" } else { "" };
        let body: TreeBody = self.read(&format!("/git/trees/{sha}{query}"), &format!("tree {sha}")).await?;
        if body.truncated && !recursive {
            return Err(self.too_large());
        }
        Ok(body)
    }

    /// Sorts an answer into entries and folders, all with their paths from the root.
    fn take(
        &self,
        body: TreeBody,
        parent: &str,
        entries: &mut Vec<TreeEntry>,
        folders: &mut Vec<(String, CommitSha)>,
    ) -> Result<(), GithubError> {
        for entry in body.tree {
            let path = if parent.is_empty() { entry.path } else { format!("{parent}/{}", entry.path) };
            if entry.mode == "040000" || entry.mode == "40000" {
                folders.push((path, entry.sha));
                continue;
            }
            let Some(kind) = EntryKind::from_mode(&entry.mode) else {
                return Err(GithubError::Unexpected {
                    call: format!("GET {}", self.path("/git/trees")),
                    reason: format!("the unknown mode `{}`", crate::repo::shown(&entry.mode)),
                });
            };
            entries.push(TreeEntry { path, kind, sha: entry.sha, size: entry.size });
        }
        Ok(())
    }

    fn too_large(&self) -> GithubError {
        GithubError::TooLarge { what: format!("the tree of {}", self.name()), limit: format!("{MAX_FOLDERS} folders") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read() {
        assert_eq!(EntryKind::from_mode("100644"), Some(EntryKind::File));
        assert_eq!(EntryKind::from_mode("100664"), Some(EntryKind::File));
        assert_eq!(EntryKind::from_mode("100755"), Some(EntryKind::Executable));
        assert_eq!(EntryKind::from_mode("120000"), Some(EntryKind::Symlink));
        assert_eq!(EntryKind::from_mode("160000"), Some(EntryKind::Submodule));
        for bad in ["", "100", "100999", "1", "040000", "ü"] {
            assert_eq!(EntryKind::from_mode(bad), None, "{bad}");
        }
    }
}

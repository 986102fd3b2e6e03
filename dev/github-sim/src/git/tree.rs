//! Trees: list them, and build new ones from edits.

use super::{EMPTY_TREE, Git, GitError, Result, one_sha};
use crate::names::Sha;

/// One line of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    /// Path relative to the listed tree.
    pub path: String,
    /// Six digits, as GitHub shows them: `100644`, `100755`, `120000`, `040000`, `160000`.
    pub mode: String,
    /// `blob`, `tree` or `commit`.
    pub kind: String,
    /// The object.
    pub sha: Sha,
    /// Bytes, for blobs.
    pub size: Option<u64>,
}

/// A listed tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Its own id.
    pub sha: Sha,
    /// Its entries.
    pub entries: Vec<TreeEntry>,
}

/// What an edit puts at a path.
#[derive(Clone, Debug)]
pub(crate) enum EntrySource {
    /// An existing object.
    Object(Sha),
    /// New contents.
    Content(Vec<u8>),
    /// Nothing: the path goes away.
    Delete,
}

/// One change of a tree.
#[derive(Clone, Debug)]
pub(crate) struct TreeEdit {
    /// The path, checked by [`crate::names::valid_tree_path`].
    pub path: String,
    /// Six digits; ignored for a deletion.
    pub mode: String,
    /// The new state.
    pub source: EntrySource,
}

impl Git {
    /// Lists a tree. `None`: the id is unknown or neither a tree nor a commit.
    pub(crate) async fn tree(&self, sha: &Sha, recursive: bool) -> Result<Option<Tree>> {
        let own = match self.object_kind(sha).await?.as_deref() {
            Some("tree") => sha.clone(),
            Some("commit") => one_sha("rev-parse", &self.run(&["rev-parse", &format!("{sha}^{{tree}}")]).await?)?,
            _ => return Ok(None),
        };
        let mut args = vec!["ls-tree", "-z", "-l", "--full-tree"];
        if recursive {
            args.extend(["-r", "-t"]);
        }
        args.push(own.as_str());
        let out = self.run(&args).await?;
        let entries = out.split(|b| *b == 0).filter(|line| !line.is_empty()).map(parse_line).collect::<Result<_>>()?;
        Ok(Some(Tree { sha: own, entries }))
    }

    /// The entry at a path of a commit or tree.
    pub(crate) async fn entry(&self, root: &Sha, path: &str) -> Result<Option<TreeEntry>> {
        let out = self.run(&["ls-tree", "-z", "-l", "--full-tree", root.as_str(), "--", path]).await?;
        let lines = out.split(|b| *b == 0).filter(|line| !line.is_empty());
        let entries: Vec<TreeEntry> = lines.map(parse_line).collect::<Result<_>>()?;
        Ok(entries.into_iter().find(|e| e.path == path))
    }

    /// Builds a tree from `base` (or from nothing) and edits; deletions are applied first.
    pub(crate) async fn edit_tree(&self, base: Option<&Sha>, edits: &[TreeEdit]) -> Result<Sha> {
        let scratch = tempfile::tempdir().map_err(GitError::Spawn)?;
        let index = scratch.path().join("index").display().to_string();
        let env = [("GIT_INDEX_FILE", index.as_str())];
        match base {
            Some(base) => self.run_with(&["read-tree", base.as_str()], b"", &env).await?,
            None => self.run_with(&["read-tree", "--empty"], b"", &env).await?,
        };
        self.remove_paths(edits, &env).await?;
        let mut lines = Vec::new();
        for edit in edits {
            let sha = match &edit.source {
                EntrySource::Delete => continue,
                EntrySource::Object(sha) if edit.mode == "040000" => {
                    if sha.as_str() != EMPTY_TREE {
                        let prefix = format!("--prefix={}/", edit.path);
                        self.run_with(&["read-tree", &prefix, sha.as_str()], b"", &env).await?;
                    }
                    continue;
                }
                EntrySource::Object(sha) => sha.clone(),
                EntrySource::Content(bytes) => self.write_blob(bytes).await?,
            };
            lines.extend_from_slice(format!("{} {sha}\t{}\0", edit.mode, edit.path).as_bytes());
        }
        self.run_with(&["update-index", "--replace", "-z", "--index-info"], &lines, &env).await?;
        one_sha("write-tree", &self.run_with(&["write-tree"], b"", &env).await?)
    }

    /// Takes out of the index what the edits delete or replace, folders with all they hold.
    async fn remove_paths(&self, edits: &[TreeEdit], env: &[(&str, &str)]) -> Result<()> {
        let gone = |e: &&TreeEdit| matches!(e.source, EntrySource::Delete) || e.mode == "040000";
        let gone: Vec<&str> = edits.iter().filter(gone).map(|e| e.path.as_str()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let out = self.run_with(&["ls-files", "-z", "--cached"], b"", env).await?;
        let mut lines = Vec::new();
        for path in out.split(|b| *b == 0).filter(|p| !p.is_empty()) {
            let text = String::from_utf8_lossy(path);
            let below = |dir: &str| text.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if gone.iter().any(|dir| below(dir)) {
                lines.extend_from_slice(format!("0 {}\t", Sha::zero()).as_bytes());
                lines.extend_from_slice(path);
                lines.push(0);
            }
        }
        self.run_with(&["update-index", "-z", "--index-info"], &lines, env).await.map(drop)
    }
}

/// Reads `mode type sha size\tpath`.
fn parse_line(line: &[u8]) -> Result<TreeEntry> {
    let text = String::from_utf8_lossy(line);
    let parse = || {
        let (meta, path) = text.split_once('\t')?;
        let mut words = meta.split_whitespace();
        let (mode, kind, sha, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(TreeEntry {
            path: path.to_owned(),
            mode: mode.to_owned(),
            kind: kind.to_owned(),
            sha: Sha::parse(sha)?,
            size: size.parse().ok(),
        })
    };
    parse().ok_or_else(|| GitError::Unexpected { command: "ls-tree", detail: text.clone().into_owned() })
}

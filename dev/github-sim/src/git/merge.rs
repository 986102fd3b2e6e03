//! Merging without a working tree.

use super::commit::LogFilter;
use super::{Commit, Git, GitError, NewCommit, Result, one_sha};
use crate::git::Identity;
use crate::names::Sha;

/// What a three-way merge gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MergeOutcome {
    /// The merged tree.
    Clean(Sha),
    /// These paths conflict.
    Conflict(Vec<String>),
}

impl Git {
    /// Merges `head` into `base`, in memory.
    pub(crate) async fn merge_trees(&self, base: &Sha, head: &Sha) -> Result<MergeOutcome> {
        self.merge_tree(&["--allow-unrelated-histories"], base, head).await
    }

    async fn merge_tree(&self, options: &[&str], ours: &Sha, theirs: &Sha) -> Result<MergeOutcome> {
        let mut args = vec!["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        args.extend_from_slice(options);
        args.extend([ours.as_str(), theirs.as_str()]);
        let done = self.execute(&args, b"", &[]).await?;
        let mut parts = done.stdout.split(|b| *b == 0).filter(|p| !p.is_empty());
        match done.status {
            0 => one_sha("merge-tree", parts.next().unwrap_or_default()).map(MergeOutcome::Clean),
            1 => {
                let mut paths: Vec<_> = parts.skip(1).map(|p| String::from_utf8_lossy(p).into_owned()).collect();
                paths.dedup();
                Ok(MergeOutcome::Conflict(paths))
            }
            status => Err(GitError::Failed { command: "merge-tree".to_owned(), status, stderr: done.stderr }),
        }
    }

    /// Replays the commits of `head` that `base` lacks on top of `base`, keeping authors. `None`: a commit conflicts
    /// or is a merge, so GitHub would refuse to rebase.
    pub(crate) async fn rebase(&self, base: &Sha, head: &Sha, committer: &Identity) -> Result<Option<Sha>> {
        let mut shas = self.log(head, Some(base), &LogFilter::default()).await?;
        shas.reverse();
        let mut onto = base.clone();
        for commit in self.commits(&shas).await? {
            let [parent] = commit.parents.as_slice() else { return Ok(None) };
            let merge_base = format!("--merge-base={parent}");
            let MergeOutcome::Clean(tree) = self.merge_tree(&[&merge_base], &onto, &commit.sha).await? else {
                return Ok(None);
            };
            onto = self.write_commit(&replayed(&commit, tree, onto, committer)).await?;
        }
        Ok(Some(onto))
    }
}

fn replayed(commit: &Commit, tree: Sha, parent: Sha, committer: &Identity) -> NewCommit {
    NewCommit {
        tree,
        parents: vec![parent],
        author: commit.author.clone(),
        committer: committer.clone(),
        message: commit.message.clone(),
        signature: None,
    }
}

//! References: list, read, create, move, delete, with compare-and-swap.

use super::{Git, GitError, Result, one_sha};
use crate::names::{Sha, valid_ref};

/// A reference and what it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ref {
    /// The full name, `refs/heads/…`.
    pub name: String,
    /// The object.
    pub sha: Sha,
    /// The object's type: `commit`, or `tag` for an annotated tag.
    pub kind: String,
}

/// A change of one reference, which happens only when it still has the old value.
#[derive(Clone, Debug)]
pub(crate) struct RefUpdate<'a> {
    /// The full name.
    pub name: &'a str,
    /// What it must point at now; `None`: it must not exist.
    pub old: Option<&'a Sha>,
    /// What it shall point at; `None`: it goes away.
    pub new: Option<&'a Sha>,
}

impl Git {
    /// References whose full name starts with `prefix`, in order of their names.
    pub(crate) async fn refs(&self, prefix: &str) -> Result<Vec<Ref>> {
        let out = self.run(&["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", "--", "refs/"]).await?;
        let text = String::from_utf8_lossy(&out);
        let parse = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (sha, kind, name) = (words.next()?, words.next()?, words.next()?);
            Some(Ref { name: name.to_owned(), sha: Sha::parse(sha)?, kind: kind.to_owned() })
        };
        Ok(text.lines().filter_map(parse).filter(|r| r.name.starts_with(prefix)).collect())
    }

    /// The reference of exactly this full name.
    pub(crate) async fn find_ref(&self, name: &str) -> Result<Option<Ref>> {
        if !valid_ref(name) {
            return Ok(None);
        }
        let out = self.run(&["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", "--", name]).await?;
        let text = String::from_utf8_lossy(&out);
        let exact = text.lines().find_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (sha, kind, full) = (words.next()?, words.next()?, words.next()?);
            (full == name).then_some(())?;
            Some(Ref { name: full.to_owned(), sha: Sha::parse(sha)?, kind: kind.to_owned() })
        });
        Ok(exact)
    }

    /// The tip of a branch.
    pub(crate) async fn branch(&self, name: &str) -> Result<Option<Sha>> {
        Ok(self.find_ref(&format!("refs/heads/{name}")).await?.map(|r| r.sha))
    }

    /// The commit that a branch, tag, full reference, or (abbreviated) commit id stands for.
    pub(crate) async fn resolve_commit(&self, rev: &str) -> Result<Option<Sha>> {
        for full in [format!("refs/heads/{rev}"), format!("refs/tags/{rev}"), rev.to_owned(), format!("refs/{rev}")] {
            if let Some(found) = self.find_ref(&full).await? {
                return self.peel(found.sha.as_str()).await;
            }
        }
        if rev.len() >= 7 && rev.len() <= 40 && rev.bytes().all(|b| b.is_ascii_hexdigit()) {
            return self.peel(rev).await;
        }
        Ok(None)
    }

    async fn peel(&self, hex: &str) -> Result<Option<Sha>> {
        let spec = format!("{hex}^{{commit}}");
        let done = self.execute(&["rev-parse", "--quiet", "--verify", "--end-of-options", &spec], b"", &[]).await?;
        if done.status != 0 {
            return Ok(None);
        }
        one_sha("rev-parse", &done.stdout).map(Some)
    }

    /// Applies one change. `Ok(false)`: the reference no longer had the old value, nothing was changed.
    pub(crate) async fn update_ref(&self, change: &RefUpdate<'_>) -> Result<bool> {
        let zero = Sha::zero();
        let old = change.old.unwrap_or(&zero);
        let line = match change.new {
            Some(new) => format!("update {}\0{new}\0{old}\0", change.name),
            None => format!("delete {}\0{old}\0", change.name),
        };
        match self.run_with(&["update-ref", "--stdin", "-z"], line.as_bytes(), &[]).await {
            Ok(_) => Ok(true),
            Err(GitError::Failed { stderr, .. }) if stderr.contains("cannot lock ref") => {
                tracing::debug!(%stderr, "reference was not updated");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Moves a reference that nobody else writes (such as `refs/pull/1/head`), whatever its value.
    pub(crate) async fn set_ref(&self, name: &str, new: &Sha) -> Result<()> {
        self.run(&["update-ref", "--end-of-options", name, new.as_str()]).await.map(drop)
    }

    /// Whether `old` is an ancestor of (or the same as) `new`.
    pub(crate) async fn is_ancestor(&self, old: &Sha, new: &Sha) -> Result<bool> {
        let done = self.execute(&["merge-base", "--is-ancestor", old.as_str(), new.as_str()], b"", &[]).await?;
        match done.status {
            0 => Ok(true),
            1 => Ok(false),
            status => Err(GitError::Failed { command: "merge-base".to_owned(), status, stderr: done.stderr }),
        }
    }
}

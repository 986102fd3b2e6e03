//! Commits: read, write and walk.

use jiff::Timestamp;

use super::{Git, GitError, Result, one_sha};
use crate::names::Sha;

/// Who, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Moment.
    pub date: Timestamp,
}

/// A commit that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its id.
    pub sha: Sha,
    /// The tree.
    pub tree: Sha,
    /// Parents in order.
    pub parents: Vec<Sha>,
    /// Author.
    pub author: Identity,
    /// Committer.
    pub committer: Identity,
    /// The message as stored, without a final line break.
    pub message: String,
    /// The OpenPGP or SSH signature.
    pub signature: Option<String>,
}

impl Commit {
    /// The first line of the message.
    pub(crate) fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// A commit to write.
#[derive(Clone, Debug)]
pub(crate) struct NewCommit {
    /// The tree.
    pub tree: Sha,
    /// Parents in order.
    pub parents: Vec<Sha>,
    /// Author.
    pub author: Identity,
    /// Committer.
    pub committer: Identity,
    /// The message, stored exactly so.
    pub message: String,
    /// A detached signature to store with it.
    pub signature: Option<String>,
}

impl Git {
    /// Writes a commit object; the message is stored byte for byte, as GitHub does.
    pub(crate) async fn write_commit(&self, new: &NewCommit) -> Result<Sha> {
        let mut head = vec![format!("tree {}", new.tree)];
        head.extend(new.parents.iter().map(|parent| format!("parent {parent}")));
        for (role, who) in [("author", &new.author), ("committer", &new.committer)] {
            let (name, email) = (clean(&who.name), clean(&who.email));
            head.push(format!("{role} {name} <{email}> {} +0000", who.date.as_second()));
        }
        if let Some(signature) = &new.signature {
            head.push(format!("gpgsig {}", signature.trim_end().replace('\n', "\n ")));
        }
        let raw = format!("{}\n\n{}", head.join("\n"), new.message);
        let out = self.run_with(&["hash-object", "-t", "commit", "-w", "--stdin"], raw.as_bytes(), &[]).await?;
        one_sha("hash-object", &out)
    }

    /// Reads a commit, or `None` when the id is unknown or no commit.
    pub(crate) async fn commit(&self, sha: &Sha) -> Result<Option<Commit>> {
        match self.object(sha).await? {
            Some((kind, raw)) if kind == "commit" => parse(sha, &raw).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads many commits by one process.
    pub(crate) async fn commits(&self, shas: &[Sha]) -> Result<Vec<Commit>> {
        let mut all = Vec::with_capacity(shas.len());
        for (sha, object) in shas.iter().zip(self.objects(shas).await?) {
            let missing = || GitError::Unexpected { command: "cat-file", detail: format!("{sha} is missing") };
            let (_, raw) = object.ok_or_else(missing)?;
            all.push(parse(sha, &raw)?);
        }
        Ok(all)
    }

    /// Commits reachable from `tip` and not from `not`, newest first, optionally only those that touch `path`.
    pub(crate) async fn log(&self, tip: &Sha, not: Option<&Sha>, filter: &LogFilter) -> Result<Vec<Sha>> {
        let mut args = vec!["rev-list".to_owned(), "--date-order".to_owned()];
        if let Some(since) = filter.since {
            args.push(format!("--since={since}"));
        }
        if let Some(until) = filter.until {
            args.push(format!("--until={until}"));
        }
        if filter.no_merges {
            args.push("--no-merges".to_owned());
        }
        args.push(tip.to_string());
        if let Some(not) = not {
            args.push(format!("^{not}"));
        }
        args.push("--".to_owned());
        if let Some(path) = &filter.path {
            args.push(format!(":(literal){path}"));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let out = self.run(&args).await?;
        let text = String::from_utf8_lossy(&out);
        text.lines().map(|line| one_sha("rev-list", line.as_bytes())).collect()
    }

    /// How many commits `head` has that `base` lacks, and the reverse.
    pub(crate) async fn ahead_behind(&self, base: &Sha, head: &Sha) -> Result<(u64, u64)> {
        let range = format!("{base}...{head}");
        let out = self.run(&["rev-list", "--left-right", "--count", &range, "--"]).await?;
        let text = String::from_utf8_lossy(&out);
        let mut numbers = text.split_whitespace().filter_map(|n| n.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(behind), Some(ahead)) => Ok((ahead, behind)),
            _ => Err(GitError::Unexpected { command: "rev-list", detail: text.trim().to_owned() }),
        }
    }

    /// The best common ancestor.
    pub(crate) async fn merge_base(&self, a: &Sha, b: &Sha) -> Result<Option<Sha>> {
        let done = self.execute(&["merge-base", a.as_str(), b.as_str()], b"", &[]).await?;
        match done.status {
            0 => one_sha("merge-base", &done.stdout).map(Some),
            1 => Ok(None),
            status => Err(GitError::Failed { command: "merge-base".to_owned(), status, stderr: done.stderr }),
        }
    }
}

/// What [`Git::log`] leaves out.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogFilter {
    /// Only commits at or after this moment.
    pub since: Option<Timestamp>,
    /// Only commits at or before this moment.
    pub until: Option<Timestamp>,
    /// Only commits that touch this file or folder.
    pub path: Option<String>,
    /// Leave merge commits out.
    pub no_merges: bool,
}

/// Names and addresses must not break the object's format.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\0')).collect();
    kept.trim().to_owned()
}

fn parse(sha: &Sha, raw: &[u8]) -> Result<Commit> {
    let text = String::from_utf8_lossy(raw);
    let bad = |detail: &str| GitError::Unexpected { command: "cat-file", detail: format!("commit {sha}: {detail}") };
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let (mut tree, mut author, mut committer) = (None, None, None);
    let mut parents = Vec::new();
    let mut signature: Option<String> = None;
    let mut in_signature = false;
    for line in head.lines() {
        if let (Some(more), true) = (line.strip_prefix(' '), in_signature) {
            if let Some(signature) = &mut signature {
                signature.push('\n');
                signature.push_str(more);
            }
            continue;
        }
        in_signature = false;
        match line.split_once(' ') {
            Some(("tree", id)) => tree = Sha::parse(id),
            Some(("parent", id)) => parents.extend(Sha::parse(id)),
            Some(("author", who)) => author = identity(who),
            Some(("committer", who)) => committer = identity(who),
            Some(("gpgsig", first)) => {
                signature = Some(first.to_owned());
                in_signature = true;
            }
            _ => {}
        }
    }
    Ok(Commit {
        sha: sha.clone(),
        tree: tree.ok_or_else(|| bad("no tree"))?,
        parents,
        author: author.ok_or_else(|| bad("no author"))?,
        committer: committer.ok_or_else(|| bad("no committer"))?,
        message: message.trim_end_matches('\n').to_owned(),
        signature,
    })
}

/// Reads `Name <email> 1700000000 +0000`.
fn identity(text: &str) -> Option<Identity> {
    let (who, when) = text.rsplit_once("> ")?;
    let (name, email) = who.split_once('<')?;
    let seconds = when.split(' ').next()?.parse().ok()?;
    Some(Identity {
        name: name.trim().to_owned(),
        email: email.to_owned(),
        date: Timestamp::from_second(seconds).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_signed_merge_commit() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let raw = format!(
            "tree {a}\nparent {a}\nparent {b}\nauthor A B <a@x> 1700000000 +0100\n\
             committer C <c@x> 1700000001 +0000\ngpgsig -----BEGIN\n line\n -----END\n\nSubject\n\nBody\n"
        );
        let commit = parse(&Sha::parse(&a).unwrap(), raw.as_bytes()).unwrap();
        assert_eq!(commit.parents.len(), 2);
        assert_eq!(commit.author.name, "A B");
        assert_eq!(commit.committer.date.as_second(), 1_700_000_001);
        assert_eq!(commit.signature.as_deref(), Some("-----BEGIN\nline\n-----END"));
        assert_eq!(commit.message, "Subject\n\nBody");
        assert_eq!(commit.subject(), "Subject");
    }

    #[test]
    fn identities_cannot_break_the_format() {
        assert_eq!(clean(" Eve <x>\ncommitter "), "Eve xcommitter");
    }
}

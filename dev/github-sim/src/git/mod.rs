//! Git plumbing: one bare repository per GitHub repository, driven through the `git` program.
//!
//! Nothing of the machine's configuration reaches it: no system or user configuration, no hooks, no credentials, no
//! network protocol. Callers hand over parsed [`Sha`]s and checked names only, never raw user text as an option.

mod archive;
mod commit;
mod diff;
mod merge;
mod refs;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

pub(crate) use self::commit::{Commit, Identity, LogFilter, NewCommit};
pub(crate) use self::diff::FileChange;
pub(crate) use self::merge::MergeOutcome;
pub(crate) use self::refs::{Ref, RefUpdate};
pub(crate) use self::tree::{EntrySource, Tree, TreeEdit, TreeEntry};

use crate::names::{RepoName, Sha};

/// The empty tree's id.
pub(crate) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Git processes that may run at once.
const PARALLEL: usize = 8;

/// What went wrong with Git.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started or its pipes broke.
    #[error("git could not be run; is it installed and on PATH?")]
    Spawn(#[source] std::io::Error),
    /// The program reported a failure.
    #[error("git {command} failed with status {status}: {stderr}")]
    Failed {
        /// The subcommand.
        command: String,
        /// The exit status, -1 for a signal.
        status: i32,
        /// What it printed.
        stderr: String,
    },
    /// The program's answer was not what this version of the simulator understands.
    #[error("git {command} answered something unexpected: {detail}")]
    Unexpected {
        /// The subcommand.
        command: &'static str,
        /// The part that was not understood.
        detail: String,
    },
}

pub(crate) type Result<T, E = GitError> = std::result::Result<T, E>;

/// An object's type and bytes.
pub(crate) type Object = (String, Vec<u8>);

/// The folder that holds all repositories, and the settings of every Git process.
#[derive(Clone, Debug)]
pub(crate) struct GitRoot {
    root: Arc<PathBuf>,
    permits: Arc<Semaphore>,
}

impl GitRoot {
    /// Uses (and creates) `root`.
    pub(crate) fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root.join("home"))?;
        std::fs::create_dir_all(root.join("repos"))?;
        Ok(Self { root: Arc::new(root.canonicalize()?), permits: Arc::new(Semaphore::new(PARALLEL)) })
    }

    /// The repository of this name; it need not exist yet.
    pub(crate) fn repo(&self, name: &RepoName) -> Git {
        let dir = self.root.join("repos").join(format!("{}.git", name.key()));
        Git { dir, root: self.clone() }
    }
}

/// One bare repository.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    root: GitRoot,
}

/// A finished Git process that is allowed to fail.
struct Finished {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Git {
    /// The folder of the bare repository.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Creates the repository when it does not exist.
    pub(crate) async fn init(&self, default_branch: &str) -> Result<()> {
        let dir = self.dir.display().to_string();
        let branch = format!("--initial-branch={default_branch}");
        self.run(&["init", "--quiet", "--bare", "--template=", &branch, "--", &dir]).await.map(drop)
    }

    async fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.run_with(args, b"", &[]).await
    }

    async fn run_with(&self, args: &[&str], stdin: &[u8], env: &[(&str, &str)]) -> Result<Vec<u8>> {
        let done = self.execute(args, stdin, env).await?;
        if done.status == 0 {
            return Ok(done.stdout);
        }
        Err(GitError::Failed {
            command: args.first().copied().unwrap_or_default().to_owned(),
            status: done.status,
            stderr: done.stderr,
        })
    }

    async fn execute(&self, args: &[&str], stdin: &[u8], env: &[(&str, &str)]) -> Result<Finished> {
        let closed = |_| GitError::Spawn(std::io::Error::other("the simulator is shutting down"));
        let _permit = self.root.permits.acquire().await.map_err(closed)?;
        let mut command = Command::new("git");
        command
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.attributesFile=/dev/null"])
            .args(["-c", "protocol.allow=never", "-c", "gc.auto=0", "-c", "core.quotePath=false"])
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.root.join("home"))
            .env("GIT_DIR", &self.dir)
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_ATTR_NOSYSTEM", "1"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_NO_REPLACE_OBJECTS", "1"),
                ("LC_ALL", "C"),
                ("TZ", "UTC"),
            ])
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(GitError::Spawn)?;
        let mut pipe = child.stdin.take();
        let feed = async {
            if let Some(mut pipe) = pipe.take() {
                // A process that fails early closes its input; its exit status tells the story.
                if let Err(error) = pipe.write_all(stdin).await {
                    tracing::debug!(%error, "git closed its input early");
                }
            }
        };
        let (output, ()) = tokio::join!(child.wait_with_output(), feed);
        let output = output.map_err(GitError::Spawn)?;
        Ok(Finished {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// The type of an object (`blob`, `tree`, `commit`, `tag`), or `None` when it does not exist.
    pub(crate) async fn object_kind(&self, sha: &Sha) -> Result<Option<String>> {
        Ok(self.object(sha).await?.map(|(kind, _)| kind))
    }

    /// An object's type and bytes, or `None` when it does not exist.
    pub(crate) async fn object(&self, sha: &Sha) -> Result<Option<Object>> {
        let mut all = self.objects(std::slice::from_ref(sha)).await?;
        Ok(all.pop().flatten())
    }

    /// Many objects by one process, in the order asked.
    pub(crate) async fn objects(&self, shas: &[Sha]) -> Result<Vec<Option<Object>>> {
        let mut wanted = String::new();
        for sha in shas {
            wanted.push_str(sha.as_str());
            wanted.push('\n');
        }
        let out = self.run_with(&["cat-file", "--batch"], wanted.as_bytes(), &[]).await?;
        parse_batch(&out, shas.len())
    }

    /// A blob's bytes, or `None` when the id is unknown or no blob.
    pub(crate) async fn blob(&self, sha: &Sha) -> Result<Option<Vec<u8>>> {
        Ok(self.object(sha).await?.filter(|(kind, _)| kind == "blob").map(|(_, bytes)| bytes))
    }

    /// Stores bytes as a blob.
    pub(crate) async fn write_blob(&self, bytes: &[u8]) -> Result<Sha> {
        let out = self.run_with(&["hash-object", "-w", "--no-filters", "--stdin"], bytes, &[]).await?;
        one_sha("hash-object", &out)
    }

    /// Stores files from disk as blobs, in the order given.
    pub(crate) async fn write_blobs_from_disk(&self, files: &[PathBuf]) -> Result<Vec<Sha>> {
        let mut list = String::new();
        for file in files {
            list.push_str(&file.display().to_string());
            list.push('\n');
        }
        let args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
        let out = self.run_with(&args, list.as_bytes(), &[]).await?;
        let text = String::from_utf8_lossy(&out);
        text.lines().map(|line| one_sha("hash-object", line.as_bytes())).collect()
    }
}

/// Reads the answer of `git cat-file --batch`.
fn parse_batch(mut rest: &[u8], count: usize) -> Result<Vec<Option<Object>>> {
    let unexpected = |detail: &str| GitError::Unexpected { command: "cat-file", detail: detail.to_owned() };
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let end = rest.iter().position(|b| *b == b'\n').ok_or_else(|| unexpected("no header line"))?;
        let header = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let mut words = header.split(' ');
        let (_, kind, size) = (words.next(), words.next().unwrap_or_default(), words.next());
        if kind == "missing" || kind == "ambiguous" {
            all.push(None);
            continue;
        }
        let size: usize = size.and_then(|s| s.parse().ok()).ok_or_else(|| unexpected(&header))?;
        let bytes = rest.get(..size).ok_or_else(|| unexpected("a cut-off object"))?;
        all.push(Some((kind.to_owned(), bytes.to_vec())));
        rest = rest.get(size + 1..).unwrap_or_default();
    }
    Ok(all)
}

/// Reads an answer that is one object id.
fn one_sha(command: &'static str, out: &[u8]) -> Result<Sha> {
    let text = String::from_utf8_lossy(out);
    let line = text.lines().next().unwrap_or_default().trim();
    Sha::parse(line).ok_or_else(|| GitError::Unexpected { command, detail: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_answers_keep_their_order() {
        let out = b"aaaa blob 3\nx\ny\nbbbb missing\ncccc blob 0\n\n";
        let all = parse_batch(out, 3).unwrap();
        assert_eq!(all[0], Some(("blob".to_owned(), b"x\ny".to_vec())));
        assert_eq!(all[1], None);
        assert_eq!(all[2], Some(("blob".to_owned(), Vec::new())));
    }

    #[test]
    fn cut_off_batch_is_an_error() {
        assert!(parse_batch(b"aaaa blob 30\nx", 1).is_err());
        assert!(parse_batch(b"", 1).is_err());
    }
}

//! A throwaway Git history with one commit, so that the agent can use `git diff`. It is made of the trusted base tree
//! before the agent runs, is never read again, and is never part of the change set.

use std::process::Stdio;
use std::time::Duration;

use camino::Utf8Path;
use tokio::process::Command;

use crate::process::Tree;

/// The folder's name.
pub const GIT_FOLDER: &str = ".git";

const TIME_LIMIT: Duration = Duration::from_mins(2);

const CONFIG: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "commit.gpgSign=false",
    "gc.auto=0",
    "user.name=pi-tickets",
    "user.email=pi-tickets@localhost",
    "init.defaultBranch=base",
    "advice.detachedHead=false",
    // The tree may look like a repository itself.
    "safe.bareRepository=explicit",
];

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Git could not be run.
    #[error("`git {command}` could not be run")]
    Run {
        /// The subcommand.
        command: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Git failed or took too long.
    #[error("`git {command}` {how}")]
    Failed {
        /// The subcommand.
        command: &'static str,
        /// What it did.
        how: String,
    },
}

/// Makes the history. `home` is an empty folder outside `root`; `path` is the program search path.
///
/// # Errors
/// Git is missing or fails. The caller can go on without a history.
pub async fn commit_base(root: &Utf8Path, home: &Utf8Path, path: &str) -> Result<(), GitError> {
    git(root, home, path, "init", &["--quiet", "--template="]).await?;
    git(root, home, path, "add", &["--all", "--force", "."]).await?;
    git(root, home, path, "commit", &["--quiet", "--no-verify", "--allow-empty", "--message=Base commit"]).await
}

async fn git(
    root: &Utf8Path,
    home: &Utf8Path,
    path: &str,
    name: &'static str,
    options: &[&str],
) -> Result<(), GitError> {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", path).env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    for setting in CONFIG {
        command.args(["-c", setting]);
    }
    command.arg(name).args(options).current_dir(root);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let run = |source| GitError::Run { command: name, source };
    let mut tree = Tree::spawn(command).map_err(run)?;
    let ended = tokio::time::timeout(TIME_LIMIT, tree.wait()).await;
    tree.kill().await.map_err(run)?;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(GitError::Failed { command: name, how: format!("failed ({status})") }),
        Ok(Err(source)) => Err(run(source)),
        Err(_) => Err(GitError::Failed { command: name, how: format!("took over {} s", TIME_LIMIT.as_secs()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_base_tree_is_committed_with_its_ignored_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap().join("tree");
        let home = Utf8Path::from_path(folder.path()).unwrap().join("home");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(root.join(".gitignore"), "*.log\n").unwrap();
        std::fs::write(root.join("tracked.log"), "x").unwrap();
        let path = std::env::var("PATH").unwrap();
        commit_base(&root, &home, &path).await.unwrap();
        let listed = std::process::Command::new("git")
            .args(["ls-tree", "--name-only", "HEAD"])
            .current_dir(&root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(listed.stdout).unwrap(), ".gitignore\ntracked.log\n");
        assert!(!root.join(".git/hooks").exists());
    }
}

//! The repository at its base commit, in memory.

use std::collections::BTreeSet;

use domain::CommitSha;
use domain::failure::{Failure, FailureKind};
use domain::repo_config::{CONFIG_PATH, RepoConfig};
use domain::workflow::TicketSummary;
use github::{EntryKind, Repo, Snapshot, SnapshotFile, SnapshotLimits};

use crate::Context;

/// What fits into the function's memory beside everything else.
const LIMITS: SnapshotLimits = SnapshotLimits {
    files: 50_000,
    file_bytes: 50 * 1024 * 1024,
    total_bytes: 300 * 1024 * 1024,
    archive_bytes: 150 * 1024 * 1024,
    single_fetches: 1_000,
};

/// A commit and what it says about itself.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) commit: CommitSha,
    pub(crate) snapshot: Snapshot,
    pub(crate) config: RepoConfig,
    /// Every path of the commit, submodules too.
    pub(crate) paths: BTreeSet<String>,
}

impl Base {
    /// Reads the configuration out of a snapshot.
    ///
    /// # Errors
    /// `InvalidInput` that says what to correct in the repository's configuration.
    pub(crate) fn new(commit: CommitSha, snapshot: Snapshot) -> Result<Self, Failure> {
        let paths: BTreeSet<String> = snapshot.files.keys().chain(&snapshot.submodules).cloned().collect();
        let unusable = |reason: &str| {
            Failure::new(
                FailureKind::InvalidInput,
                format!("{reason} Correct the file on the base branch, then retry."),
            )
        };
        let file = match snapshot.files.get(CONFIG_PATH) {
            None => None,
            Some(file) if !is_regular(file) => {
                return Err(unusable(&format!("{CONFIG_PATH} is a symbolic link; it has to be a file.")));
            }
            Some(file) => Some(
                std::str::from_utf8(&file.content)
                    .map_err(|_| unusable(&format!("{CONFIG_PATH} is not UTF-8 text.")))?,
            ),
        };
        let config = RepoConfig::load(file, &paths).map_err(|error| unusable(&format!("{error}.")))?;
        Ok(Self { commit, snapshot, config, paths })
    }
}

/// Whether a path is a file, and not a link.
pub(crate) fn is_regular(file: &SnapshotFile) -> bool {
    matches!(file.kind, EntryKind::File | EntryKind::Executable)
}

/// The ticket's repository, with a read token.
///
/// # Errors
/// When there is no token.
pub(crate) async fn open(context: &Context, ticket: &TicketSummary) -> Result<Repo, Failure> {
    let tokens = context.invoker.repository_tokens(&context.config.github_auth_function, &ticket.repository);
    Ok(context.host.with_tokens(tokens).await?.repo(&ticket.repository))
}

/// Reads the head of the ticket's base branch.
///
/// # Errors
/// `RepositoryUnavailable` when we do not see the repository, `InvalidInput` when it has no such branch, is too large
/// or is badly configured, `Transient` when GitHub does not answer.
pub(crate) async fn read(repo: &Repo, ticket: &TicketSummary) -> Result<Base, Failure> {
    let commit = repo.branch_head(&ticket.base_branch).await.map_err(Failure::from)?;
    let snapshot = repo.snapshot(&commit, LIMITS).await.map_err(Failure::from)?;
    Base::new(commit, snapshot)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A commit with these files; a content that begins with `->` is a link.
    pub(crate) fn base(files: &[(&str, &str)]) -> Result<Base, Failure> {
        let file = |(path, content): &(&str, &str)| {
            let (kind, content) = match content.strip_prefix("->") {
                Some(target) => (EntryKind::Symlink, target),
                None => (EntryKind::File, *content),
            };
            ((*path).to_owned(), SnapshotFile { kind, content: content.as_bytes().to_vec() })
        };
        let sha: CommitSha = "c".repeat(40).parse().unwrap();
        let snapshot = Snapshot {
            tree: "d".repeat(40).parse().unwrap(),
            files: files.iter().map(file).collect::<BTreeMap<_, _>>(),
            submodules: vec!["vendor/lib".to_owned()],
            fetched_singly: 0,
        };
        Base::new(sha, snapshot)
    }

    #[test]
    fn a_bad_configuration_is_named_with_what_to_do() {
        for (content, reason) in [("gate = 3", "gate"), ("->other.toml", "symbolic link")] {
            let failure = base(&[(CONFIG_PATH, content)]).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidInput);
            assert!(failure.message.contains(reason) && failure.message.contains("then retry"), "{failure}");
        }
        let good = base(&[(CONFIG_PATH, "[[gate]]\nname = \"t\"\ncommand = \"true\"\n")]).unwrap();
        assert_eq!(good.config.gate_names(), ["t"]);
        assert_eq!(base(&[("Cargo.toml", "")]).unwrap().config.gate_names(), ["cargo test"]);
        assert!(good.paths.contains("vendor/lib"));
    }
}

//! The base commit, as a change set is verified against it for the second time.

use std::collections::BTreeMap;

use domain::CommitSha;
use domain::failure::{Failure, FailureKind};
use domain::repo_config::{CONFIG_PATH, RepoConfig};
use domain::spec::{FileAction, Spec};
use domain::verify::{BaseContent, BaseFile, BaseFiles};
use github::{EntryKind, Repo, Tree};

/// The base commit as GitHub has it.
#[derive(Debug)]
pub struct Base {
    /// Its tree.
    pub tree: Tree,
    /// What is in the files that the SPEC modifies, and in the repository's configuration.
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
}

impl Base {
    /// Reads the commit's tree, and of its contents those that matter to this SPEC.
    ///
    /// # Errors
    /// What GitHub answered.
    pub async fn read(repo: &Repo, commit: &CommitSha, spec: &Spec) -> Result<Self, Failure> {
        let tree = repo.tree(&repo.commit(commit).await?.tree).await?;
        let modified = spec.files.iter().filter(|file| file.action == FileAction::Modify);
        let wanted: Vec<&str> = modified.map(|file| file.path.as_str()).chain([CONFIG_PATH]).collect();
        let mut contents = BTreeMap::new();
        for entry in tree.entries.iter().filter(|entry| wanted.contains(&entry.path.as_str())) {
            if matches!(entry.kind, EntryKind::File | EntryKind::Executable) {
                contents.insert(entry.path.clone(), repo.blob(&entry.sha).await?);
            }
        }
        Ok(Self { tree, contents })
    }

    /// What the verification is told about it.
    ///
    /// # Errors
    /// `Inconsistent`: the repository's configuration cannot be read.
    pub fn files(&self) -> Result<BaseFiles, Failure> {
        let protected = match self.contents.get(CONFIG_PATH).map(|bytes| std::str::from_utf8(bytes)) {
            None => Ok(RepoConfig::default()),
            Some(Ok(text)) => RepoConfig::parse(text).map_err(|error| inconsistent(&error.to_string())),
            Some(Err(_)) => Err(inconsistent("the repository's configuration is not UTF-8 text")),
        }?
        .protected;
        let file = |entry: &github::TreeEntry| {
            let content = self.contents.get(&entry.path).map(|content| BaseContent::of(&entry.path, content));
            (entry.path.clone(), BaseFile { kind: entry.kind.into(), content })
        };
        Ok(BaseFiles { files: self.tree.entries.iter().map(file).collect(), protected })
    }
}

/// The failure for what contradicts itself.
pub(crate) fn inconsistent(message: &str) -> Failure {
    Failure::new(FailureKind::Inconsistent, message.to_owned())
}

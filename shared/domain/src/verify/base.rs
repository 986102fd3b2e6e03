//! What a change set is compared with: the files of the base commit.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::binary::is_binary;
use crate::digest::Digest;
use crate::path::ProtectedPaths;
use crate::secrets::{KnownSecrets, find};

/// The files of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFiles {
    /// Every file, link and submodule by its path.
    pub files: BTreeMap<String, BaseFile>,
    /// What the repository itself protects at that commit.
    #[serde(default)]
    pub protected: ProtectedPaths,
}

/// A path of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFile {
    /// What it is.
    pub kind: BaseKind,
    /// What is known of its content: of the files that the SPEC names. Where nothing is known, a change is judged as that
    /// of an empty text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<BaseContent>,
}

/// What a path of a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// A regular file, mode 644.
    File,
    /// A regular file, mode 755.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseContent {
    /// Its digest.
    pub digest: Digest,
    /// Whether it is something else than text.
    pub binary: bool,
    /// Digests of what looked like a credential in it: such a thing is published already.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub credentials: BTreeSet<Digest>,
}

impl BaseFiles {
    /// Every path.
    pub fn paths(&self) -> BTreeSet<String> {
        self.files.keys().cloned().collect()
    }
}

impl BaseFile {
    /// A path of which only the kind is known.
    pub const fn of(kind: BaseKind) -> Self {
        Self { kind, content: None }
    }
}

impl BaseContent {
    /// Looks at the content of the file at `path`.
    pub fn of(path: &str, content: &[u8]) -> Self {
        let findings = find(path, content, &KnownSecrets::default());
        Self {
            digest: Digest::of(content),
            binary: is_binary(content),
            credentials: findings.into_iter().map(|finding| finding.digest).collect(),
        }
    }
}

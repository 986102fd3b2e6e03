//! Paths inside a repository, and which of them are protected.

use std::fmt;
use std::str::FromStr;

use gix_validate::path::component::Options;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A path of a file inside a repository: relative, `/` between components, no `.`/`..`, no `.git` under any of the
/// names that some file system takes for it, no control characters, at most 1,024 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RepoPath(String);

/// Why a text is not a [`RepoPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a path inside the repository: {reason}")]
pub struct InvalidPath {
    /// The text (at most 200 characters of it, control characters escaped).
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 1_024;

impl RepoPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, from the root.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The form under which two paths are one file on some file system: NFKC, lower case, ignorable characters
    /// removed.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Which rule protects this path, if one does.
    pub fn protection(&self) -> Option<Protection> {
        let folded = self.folded();
        let name = folded.rsplit('/').next().unwrap_or(&folded);
        let mut directories = folded.split('/').rev().skip(1);
        if folded == ".github/workflows" || folded.starts_with(".github/workflows/") {
            return Some(Protection::Workflow);
        }
        if CODE_OWNERS.contains(&name) {
            return Some(Protection::CodeOwners);
        }
        if folded.starts_with(".github/") || CI_FILES.contains(&name) || directories.any(|d| CI_DIRS.contains(&d)) {
            return Some(Protection::ContinuousIntegration);
        }
        if LOCK_FILES.contains(&name) {
            return Some(Protection::LockFile);
        }
        let agent_dir = folded.split('/').any(|part| AGENT_DIRS.contains(&part) || part.starts_with(".pi"));
        if agent_dir || AGENT_FILES.contains(&name) {
            return Some(Protection::AgentConfiguration);
        }
        GIT_FILES.contains(&name).then_some(Protection::GitConfiguration)
    }
}

const CODE_OWNERS: &[&str] = &["codeowners"];
const CI_FILES: &[&str] = &[
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".travis.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    ".appveyor.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
];
const CI_DIRS: &[&str] = &[".circleci", ".buildkite", ".woodpecker", ".drone", ".ci", ".forgejo", ".gitea"];
const LOCK_FILES: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "cargo.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pipfile.lock",
    "go.sum",
    "go.work.sum",
    "gemfile.lock",
    "composer.lock",
    "mix.lock",
    "packages.lock.json",
    "gradle.lockfile",
    "flake.lock",
    ".terraform.lock.hcl",
];
const AGENT_DIRS: &[&str] = &[".claude", ".codex", ".vscode", ".cursor", ".idea", ".gemini", ".husky", ".devcontainer"];
const AGENT_FILES: &[&str] = &[
    ".mcp.json",
    "agents.md",
    "claude.md",
    "gemini.md",
    ".cursorrules",
    ".windsurfrules",
    "copilot-instructions.md",
    ".pre-commit-config.yaml",
];
const GIT_FILES: &[&str] = &[".gitmodules", ".gitattributes", ".gitconfig", ".mailmap"];

/// Why a path may be changed only when the SPEC lists it by name, and is shown first at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// `.github/workflows`: also needs the deployment's permission.
    Workflow,
    /// Who has to review.
    CodeOwners,
    /// Other configuration of continuous integration.
    ContinuousIntegration,
    /// A dependency lock file.
    LockFile,
    /// Instructions to coding agents and editors, which are code.
    AgentConfiguration,
    /// Files that change what Git does.
    GitConfiguration,
}

impl Protection {
    /// A short phrase for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Workflow => "runs with the repository's secrets in GitHub Actions",
            Self::CodeOwners => "decides who must review",
            Self::ContinuousIntegration => "configures continuous integration",
            Self::LockFile => "decides which dependencies are installed",
            Self::AgentConfiguration => "configures coding agents or editors",
            Self::GitConfiguration => "changes what Git does",
        }
    }
}

/// Folds a text to the form under which file systems may take two names for one.
pub fn fold(text: &str) -> String {
    text.nfkc().filter(|c| !is_ignorable(*c)).flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters that HFS+ and others ignore in names, and other invisible ones.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl FromStr for RepoPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let refuse = |reason: &str| {
            Err(InvalidPath { path: text.escape_debug().take(200).collect(), reason: reason.to_owned() })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_PATH_BYTES {
            return refuse("it is longer than 1,024 bytes");
        }
        if text.chars().any(char::is_control) {
            return refuse("it has a control character");
        }
        if text.chars().any(is_ignorable) {
            return refuse("it has an invisible character");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        for component in text.split('/') {
            if matches!(component, "" | "." | "..") {
                return refuse("it is absolute or has an empty, `.` or `..` component");
            }
            let options = Options { protect_windows: true, protect_hfs: true, protect_ntfs: true };
            if let Err(error) = gix_validate::path::component(component.into(), None, options) {
                return refuse(&error.to_string());
            }
            if fold(component) == ".git" {
                return refuse("a component stands for `.git`");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RepoPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoPath({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn protection(path: &str) -> Option<Protection> {
        path.parse::<RepoPath>().unwrap().protection()
    }

    #[test]
    fn ordinary_paths_are_taken() {
        for good in ["a", "src/lib.rs", ".github/workflows/ci.yml", "a b/ü.txt", ".gitignore", "x/.env", "git/x"] {
            assert!(good.parse::<RepoPath>().is_ok(), "{good}");
        }
    }

    #[test]
    fn escapes_and_git_aliases_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            ".git/config",
            ".GIT/config",
            "a/.git/x",
            "git~1/config",
            ".git\u{200c}/config",
            ".ｇit/config",
            "a\\b",
            "a\nb",
            "a\u{0}b",
            "a/.g\u{200d}it",
            ".git /x",
            ".git./x",
            "x\u{202e}gpj.exe",
        ] {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(1_025).parse::<RepoPath>().is_err());
    }

    #[test]
    fn protected_paths_are_found_under_any_spelling() {
        assert_eq!(protection(".github/workflows/ci.yml"), Some(Protection::Workflow));
        assert_eq!(protection(".GitHub/Workflows/ci.yml"), Some(Protection::Workflow));
        assert_eq!(protection(".ｇithub/workflows/x"), Some(Protection::Workflow));
        assert_eq!(protection("docs/CODEOWNERS"), Some(Protection::CodeOwners));
        assert_eq!(protection("sub/Cargo.lock"), Some(Protection::LockFile));
        assert_eq!(protection("AGENTS.md"), Some(Protection::AgentConfiguration));
        assert_eq!(protection(".pi-tickets.toml"), Some(Protection::AgentConfiguration));
        assert_eq!(protection("x/.claude/settings.json"), Some(Protection::AgentConfiguration));
        assert_eq!(protection(".gitattributes"), Some(Protection::GitConfiguration));
        assert_eq!(protection(".circleci/config.yml"), Some(Protection::ContinuousIntegration));
        assert_eq!(protection("src/main.rs"), None);
        assert_eq!(protection(".gitignore"), None);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_parses_stays_inside(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<RepoPath>() {
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(path.components().all(|c| !matches!(c, "" | "." | "..") && fold(c) != ".git"));
            }
        }
    }
}

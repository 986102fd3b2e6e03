//! Which paths every deployment protects.

use serde::{Deserialize, Serialize};

use super::RepoPath;

/// Folders whose whole content configures continuous integration.
const CI_DIRS: &[&str] = &[
    ".azuredevops",
    ".buildkite",
    ".ci",
    ".circleci",
    ".drone",
    ".forgejo",
    ".gitea",
    ".github",
    ".gitlab",
    ".semaphore",
    ".teamcity",
    ".woodpecker",
];
const CI_FILES: &[&str] = &[
    ".appveyor.yml",
    ".cirrus.yml",
    ".drone.yml",
    ".gitlab-ci.yaml",
    ".gitlab-ci.yml",
    ".renovaterc",
    ".renovaterc.json",
    ".travis.yml",
    ".woodpecker.yaml",
    ".woodpecker.yml",
    "action.yaml",
    "action.yml",
    "appveyor.yml",
    "azure-pipelines.yaml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "jenkinsfile",
    "renovate.json",
    "renovate.json5",
];
/// Lock files, and files that say where packages come from.
const LOCK_FILES: &[&str] = &[
    ".npmrc",
    ".pnpmfile.cjs",
    ".terraform.lock.hcl",
    ".yarnrc",
    ".yarnrc.yml",
    "bun.lock",
    "bun.lockb",
    "cargo.lock",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.resolved",
    "packages.lock.json",
    "pdm.lock",
    "pip.conf",
    "pipfile.lock",
    "pixi.lock",
    "pnpm-lock.yaml",
    "podfile.lock",
    "poetry.lock",
    "pubspec.lock",
    "uv.lock",
    "yarn.lock",
];
const LOCK_DIRS: &[&str] = &[".cargo", ".yarn"];
const AGENT_DIRS: &[&str] = &[
    ".agents",
    ".aider",
    ".amazonq",
    ".augment",
    ".claude",
    ".clinerules",
    ".codex",
    ".continue",
    ".cursor",
    ".devcontainer",
    ".gemini",
    ".husky",
    ".idea",
    ".junie",
    ".kiro",
    ".opencode",
    ".roo",
    ".vscode",
    ".windsurf",
    ".zed",
];
const AGENT_FILES: &[&str] = &[
    ".aider.conf.yml",
    ".cursorrules",
    ".devcontainer.json",
    ".mcp.json",
    ".pre-commit-config.yaml",
    ".windsurfrules",
    "agent.md",
    "agents.md",
    "agents.override.md",
    "claude.local.md",
    "claude.md",
    "copilot-instructions.md",
    "gemini.md",
    "lefthook.yaml",
    "lefthook.yml",
];
/// `.pi`, `.pi-tickets.toml` and whatever else begins so.
const AGENT_PREFIX: &str = ".pi";
const GIT_FILES: &[&str] = &[".gitattributes", ".gitconfig", ".gitmodules", ".lfsconfig", ".mailmap"];

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
    /// A dependency lock file, or where packages come from.
    LockFile,
    /// Instructions to coding agents and editors, which are code.
    AgentConfiguration,
    /// Files that change what Git does.
    GitConfiguration,
    /// A path that the repository itself protects.
    Repository,
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
            Self::Repository => "is protected by this repository",
        }
    }
}

impl RepoPath {
    /// Which rule of every deployment protects this path, if one does. It is compared folded.
    pub fn protection(&self) -> Option<Protection> {
        let folded = self.folded();
        let parts: Vec<&str> = folded.split('/').collect();
        let name = *parts.last()?;
        let any = |list: &[&str]| parts.iter().any(|part| list.contains(part));
        if let [".github", "workflows", ..] = parts[..] {
            return Some(Protection::Workflow);
        }
        if name == "codeowners" {
            return Some(Protection::CodeOwners);
        }
        if any(CI_DIRS) || CI_FILES.contains(&name) {
            return Some(Protection::ContinuousIntegration);
        }
        if any(LOCK_DIRS) || LOCK_FILES.contains(&name) {
            return Some(Protection::LockFile);
        }
        let agent = any(AGENT_DIRS) || parts.iter().any(|part| part.starts_with(AGENT_PREFIX));
        if agent || AGENT_FILES.contains(&name) {
            return Some(Protection::AgentConfiguration);
        }
        GIT_FILES.contains(&name).then_some(Protection::GitConfiguration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::fold;

    fn protection(path: &str) -> Option<Protection> {
        path.parse::<RepoPath>().unwrap().protection()
    }

    #[test]
    fn every_listed_name_is_found_folded() {
        use Protection as P;
        let lists: &[(&[&str], P)] = &[
            (CI_FILES, P::ContinuousIntegration),
            (LOCK_FILES, P::LockFile),
            (AGENT_FILES, P::AgentConfiguration),
            (GIT_FILES, P::GitConfiguration),
        ];
        for (names, expected) in lists {
            assert!(names.is_sorted(), "{names:?}");
            for name in *names {
                assert_eq!(*name, fold(name), "the list is folded");
                for path in [(*name).to_owned(), format!("sub/{}", name.to_uppercase())] {
                    assert_eq!(protection(&path), Some(*expected), "{path}");
                }
                assert_ne!(protection(&format!("{name}x")), Some(*expected), "{name}x");
                assert_eq!(protection(&format!("x{name}")), None, "x{name}");
            }
        }
        for (folders, expected) in
            [(CI_DIRS, P::ContinuousIntegration), (LOCK_DIRS, P::LockFile), (AGENT_DIRS, P::AgentConfiguration)]
        {
            assert!(folders.is_sorted(), "{folders:?}");
            for folder in folders {
                assert_eq!(*folder, fold(folder), "the list is folded");
                for path in [(*folder).to_owned(), format!("{folder}/a"), format!("b/{}/c/d", folder.to_uppercase())] {
                    assert_eq!(protection(&path), Some(expected), "{path}");
                }
                assert_eq!(protection(&format!("x{folder}/a")), None);
            }
        }
    }

    #[test]
    fn protected_paths_are_found_under_any_spelling() {
        use Protection as P;
        for (path, expected) in [
            (".github/workflows/ci.yml", Some(P::Workflow)),
            (".github/workflows", Some(P::Workflow)),
            (".GitHub/Workflows/ci.yml", Some(P::Workflow)),
            (".ｇithub/workflows/x", Some(P::Workflow)),
            (".gıthub/workflows/x", Some(P::Workflow)),
            (".github/workflow", Some(P::ContinuousIntegration)),
            ("sub/.github/workflows/ci.yml", Some(P::ContinuousIntegration)),
            (".github/actions/x/action.yml", Some(P::ContinuousIntegration)),
            (".github/CODEOWNERS", Some(P::CodeOwners)),
            ("docs/CODEOWNERS", Some(P::CodeOwners)),
            ("ſub/Cargo.lock", Some(P::LockFile)),
            ("AGENTS.md", Some(P::AgentConfiguration)),
            (".pi", Some(P::AgentConfiguration)),
            (".pi-tickets.toml", Some(P::AgentConfiguration)),
            (".pi-tickets.toml/x", Some(P::AgentConfiguration)),
            ("x/.pi/settings.json", Some(P::AgentConfiguration)),
            ("x/.claude/settings.json", Some(P::AgentConfiguration)),
            (".gitattributes", Some(P::GitConfiguration)),
            ("src/main.rs", None),
            (".gitignore", None),
            ("CODEOWNERS/x", None),
            ("pi/x", None),
            ("github/workflows/x", None),
        ] {
            assert_eq!(protection(path), expected, "{path}");
        }
    }

    #[test]
    fn every_rule_has_words_of_its_own() {
        use Protection as P;
        let all = [
            P::Workflow,
            P::CodeOwners,
            P::ContinuousIntegration,
            P::LockFile,
            P::AgentConfiguration,
            P::GitConfiguration,
            P::Repository,
        ];
        let words: std::collections::BTreeSet<_> = all.iter().map(|rule| rule.describe()).collect();
        assert_eq!(words.len(), all.len());
    }
}

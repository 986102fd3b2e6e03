//! Which paths are protected.

use globset::GlobBuilder;
use regex::bytes::RegexSet;
use serde::{Deserialize, Serialize};

use super::{RepoPath, fold};

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

/// What a repository protects besides, by patterns in its `.pi-tickets.toml`.
///
/// A pattern is an exact path or a glob (`*` and `?` stay within a component, `**` does not); one that matches a folder
/// protects all that is in it, and one that ends with `/` only that; one without any other `/` matches at any depth.
/// Letters are compared folded. Brackets and braces stand for themselves and for what they mean in a glob:
/// `app/[id]/page.tsx` protects that path, and `app/i/page.tsx` too.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ProtectedPaths {
    patterns: Vec<String>,
    rules: RegexSet,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` of a protected path cannot be used: {reason}")]
pub struct InvalidPattern {
    pattern: String,
    reason: String,
}

impl ProtectedPaths {
    /// Which rule protects `path`: one of every deployment, or one of these.
    pub fn protection(&self, path: &RepoPath) -> Option<Protection> {
        let ours = || {
            let folded = path.folded();
            let folders = folded.match_indices('/').map(|(end, _)| &folded[..end]);
            let matches = |path: &str| self.rules.is_match(path.as_bytes());
            (matches(&folded) || folders.into_iter().any(matches)).then_some(Protection::Repository)
        };
        path.protection().or_else(ours)
    }
}

impl PartialEq for ProtectedPaths {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for ProtectedPaths {}

impl TryFrom<Vec<String>> for ProtectedPaths {
    type Error = InvalidPattern;

    fn try_from(patterns: Vec<String>) -> Result<Self, InvalidPattern> {
        let mut rules = Vec::new();
        for pattern in &patterns {
            let refuse =
                |reason: String| InvalidPattern { pattern: pattern.escape_debug().take(200).collect(), reason };
            let trimmed = pattern.strip_prefix('/').unwrap_or(pattern);
            let own = trimmed.strip_suffix('/').unwrap_or(trimmed);
            if trimmed.len() > super::MAX_PATH_BYTES || own.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(refuse("it is empty, too long, or has a component that no path has".to_owned()));
            }
            let folder = if trimmed.ends_with('/') { "**" } else { "" };
            let depth = if pattern.trim_end_matches('/').contains('/') { "" } else { "**/" };
            let glob = fold(&format!("{depth}{trimmed}{folder}"));
            rules.push(rule(&literal_brackets(&glob)).map_err(|error| refuse(error.kind().to_string()))?);
            if has_letters_beyond_ascii_in_brackets(&glob) {
                return Err(refuse("a letter in brackets must be ASCII; `?` stands for any one".to_owned()));
            }
            // What is no glob of that sort is not meant as one.
            rules.extend(rule(&glob));
        }
        let rules = RegexSet::new(&rules)
            .map_err(|error| InvalidPattern { pattern: patterns.join(", "), reason: error.to_string() })?;
        Ok(Self { patterns, rules })
    }
}

fn rule(glob: &str) -> Result<String, globset::Error> {
    let glob = GlobBuilder::new(glob).literal_separator(true).backslash_escape(false).build()?;
    Ok(glob.regex().replace(ONE_BYTE, ONE_CHARACTER))
}

/// `globset` would take such a letter for its bytes.
fn has_letters_beyond_ascii_in_brackets(pattern: &str) -> bool {
    let inside = pattern.split('[').skip(1).map(|rest| rest.split_once(']').map_or(rest, |(inside, _)| inside));
    inside.into_iter().any(|inside| !inside.is_ascii())
}

/// What `globset` makes of `?`, and of each step of `*`: it looks at bytes, and a letter may have several.
const ONE_BYTE: &str = "[^/]";
const ONE_CHARACTER: &str = "(?u:[^/])";

/// A glob in which brackets and braces stand for themselves.
fn literal_brackets(pattern: &str) -> String {
    let mut glob = String::new();
    for c in pattern.chars() {
        match c {
            '[' | ']' | '{' | '}' => glob.extend(['[', c, ']']),
            _ => glob.push(c),
        }
    }
    glob
}

impl From<ProtectedPaths> for Vec<String> {
    fn from(paths: ProtectedPaths) -> Self {
        paths.patterns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_repository_protects_more_by_patterns() {
        let patterns = ["/Makefile", "infra/", "deploy/**/*.tf", "*.sql", "db/Schema.rb", "secrets"];
        let protected = ProtectedPaths::try_from(patterns.map(str::to_owned).to_vec()).unwrap();
        let rule = |path: &str| protected.protection(&path.parse().unwrap());
        for path in [
            "Makefile",
            "MAKEFILE",
            "infra/a",
            "x/infra/b/c",
            "deploy/a.tf",
            "deploy/a/b/c.TF",
            "a/b.sql",
            "b.sql",
            "db/schema.rb",
            "x/secrets",
            "secrets/a",
            "x/secrets/a/b",
            "b.sql/a",
        ] {
            assert_eq!(rule(path), Some(Protection::Repository), "{path}");
        }
        for path in ["sub/Makefile", "infra", "deploy/a.txt", "b.sqlx", "x/db/schema.rb", "secrets2/a"] {
            assert_eq!(rule(path), None, "{path}");
        }
        assert_eq!(rule("Cargo.lock"), Some(Protection::LockFile), "the deployment's rules come first");
        let json = serde_json::to_string(&protected).unwrap();
        assert_eq!(serde_json::from_str::<ProtectedPaths>(&json).unwrap(), protected);
        assert_ne!(protected, ProtectedPaths::default());
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for bad in [
            "",
            "/",
            "//a",
            "a//b",
            "a//",
            "./infra/",
            "infra/./",
            "a/../b",
            "..",
            "docs/[é]",
            "a[x][0-é",
            &"a".repeat(1_025),
        ] {
            let refused = ProtectedPaths::try_from(vec![bad.to_owned()]).unwrap_err();
            assert!(refused.to_string().contains("cannot be used"), "{bad}");
        }
        assert!(ProtectedPaths::try_from(vec!["a".repeat(1_024)]).is_ok());
    }

    #[test]
    fn a_question_mark_is_one_character_and_brackets_are_themselves_too() {
        let protects = |pattern: &str, path: &str| {
            let rules = ProtectedPaths::try_from(vec![pattern.to_owned()]).unwrap();
            rules.protection(&path.parse().unwrap()).is_some()
        };
        for (pattern, path) in [
            ("/caf?", "café"),
            ("/?/x", "é/x"),
            ("/??", "a漢"),
            ("*.?", "ü.𝔵"),
            ("app/[id]/page.tsx", "app/[id]/page.tsx"),
            ("{a,b}", "x/{a,b}"),
            ("a[", "a["),
            ("}a", "}a"),
            ("app/[id]", "app/I"),
            ("{a,b}", "b/c"),
            ("*.{tf,tfvars}", "x/main.tfvars"),
            ("k8s/[a-z]*.yml", "K8S/Web.yml"),
            ("é/[ab]", "é/b"),
        ] {
            assert!(protects(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("/caf?", "caf"), ("/?", "ab"), ("/?x", "é/x"), ("app/[id]", "app/x"), ("{a,b}", "c"), ("/??", "é")]
        {
            assert!(!protects(pattern, path), "{pattern} {path}");
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

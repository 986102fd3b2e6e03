//! Which paths a repository protects besides.

use globset::GlobBuilder;
use regex::bytes::RegexSet;
use serde::{Deserialize, Serialize};

use super::{Protection, RepoPath, fold, folders};

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
            let mut places = folders(&folded).chain([folded.as_str()]);
            places.any(|place| self.rules.is_match(place.as_bytes())).then_some(Protection::Repository)
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
            if has_class_of_bytes(&glob) {
                return Err(refuse(
                    "brackets can only name ASCII letters that are meant; `?` stands for any one".to_owned(),
                ));
            }
            rules.push(rule(&literal_brackets(&glob)).map_err(|error| refuse(error.kind().to_string()))?);
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

/// Whether brackets hold a letter of several bytes, or all letters but some: `globset` looks for one byte there.
fn has_class_of_bytes(pattern: &str) -> bool {
    let mut inside = pattern.split('[').skip(1).map(|rest| rest.split_once(']').map_or(rest, |(inside, _)| inside));
    inside.any(|inside| !inside.is_ascii() || inside.starts_with(['!', '^']))
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
            "[!a].md",
            "x/[^a]",
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
}

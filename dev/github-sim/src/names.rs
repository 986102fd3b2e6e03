//! Names as GitHub understands them: repositories, object ids, references.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `owner/name` of a repository. Compared without regard to case by [`RepoName::key`], as GitHub does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepoName {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository's own name.
    pub name: String,
}

/// Owners whose pages would hide a route of the simulator.
const RESERVED: [&str; 10] =
    ["_sim", "_codeload", "api", "app", "apps", "installation", "rate_limit", "repos", "user", "users"];

impl RepoName {
    /// Checks both parts: letters, digits, `.`, `_` and `-`, not empty, not `.` or `..`, no reserved owner.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the name.
    pub fn new(owner: &str, name: &str) -> Result<Self, String> {
        for part in [owner, name] {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if part.is_empty() || part.len() > 100 || !part.chars().all(plain) || part.chars().all(|c| c == '.') {
                return Err(format!(
                    "\"{part}\" is no valid GitHub name: use 1 to 100 letters, digits, '-', '_' or '.'"
                ));
            }
        }
        if RESERVED.contains(&owner.to_ascii_lowercase().as_str()) {
            return Err(format!("the owner name \"{owner}\" is reserved by the simulator's routes"));
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// The key under which the repository is stored: lower case.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl std::str::FromStr for RepoName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (owner, name) = text.split_once('/').ok_or_else(|| format!("\"{text}\" is not owner/name"))?;
        Self::new(owner, name)
    }
}

/// A full SHA-1 object id: 40 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha(String);

impl Sha {
    /// Parses exactly 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 40 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The id that GitHub's push events use for "no commit".
    pub fn zero() -> Self {
        Self("0".repeat(40))
    }

    /// The 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, as shown to people.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Sha {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("\"{text}\" is not a full object id"))
    }
}

impl From<Sha> for String {
    fn from(sha: Sha) -> Self {
        sha.0
    }
}

/// Whether Git would accept this full reference name (the rules of `git check-ref-format`).
pub(crate) fn valid_ref(name: &str) -> bool {
    name.starts_with("refs/")
        && name.matches('/').count() >= 2
        && name.len() < 512
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && std::path::Path::new(part).extension().is_none_or(|e| e != "lock")
        })
}

/// Whether a path may be written into a tree: relative, no empty, `.`, `..` or `.git` component.
pub(crate) fn valid_tree_path(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_names() {
        assert_eq!(RepoName::new("Acme", "web.app").unwrap().key(), "acme/web.app");
        for (owner, name) in [("", "x"), ("a", ".."), ("a/b", "c"), ("a", "x y"), ("_sim", "x"), ("Repos", "x")] {
            assert!(RepoName::new(owner, name).is_err(), "{owner}/{name}");
        }
    }

    #[test]
    fn object_ids() {
        assert!(Sha::parse(&"a1".repeat(20)).is_some());
        for bad in ["", "abc", &"A1".repeat(20), &"g1".repeat(20), &"a".repeat(41)] {
            assert!(Sha::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn reference_names() {
        for good in ["refs/heads/main", "refs/heads/a/b-c", "refs/tags/v1.0"] {
            assert!(valid_ref(good), "{good}");
        }
        for bad in [
            "heads/main",
            "refs/main",
            "refs/heads/",
            "refs/heads/a..b",
            "refs/heads/a b",
            "refs/heads/.a",
            "refs/heads/a.lock",
            "refs/heads/a~1",
            "refs/heads/a@{1}",
            "refs//heads/x",
        ] {
            assert!(!valid_ref(bad), "{bad}");
        }
    }

    #[test]
    fn tree_paths() {
        assert!(valid_tree_path(".github/workflows/ci.yml"));
        for bad in ["", "/etc/passwd", "a//b", "../x", "a/./b", ".git/config", "a/.GIT/x"] {
            assert!(!valid_tree_path(bad), "{bad}");
        }
    }
}

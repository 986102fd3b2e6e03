//! What tokens may do.

use std::collections::BTreeMap;
use std::str::FromStr;

use github::Access;

/// What the tokens of one deployed entry may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Read code, pull requests and checks.
    Read,
    /// Also write branches and pull requests.
    Write {
        /// Whether files under `.github/workflows` may be written too.
        workflow_files: bool,
    },
}

/// A text that names no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `read` or `write`")]
pub struct UnknownGrant;

impl FromStr for Grant {
    type Err = UnknownGrant;

    fn from_str(text: &str) -> Result<Self, UnknownGrant> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write { workflow_files: false }),
            _ => Err(UnknownGrant),
        }
    }
}

impl Grant {
    /// The same, where writing, with or without files under `.github/workflows`.
    #[must_use]
    pub const fn with_workflow_files(self, allowed: bool) -> Self {
        match self {
            Self::Read => Self::Read,
            Self::Write { .. } => Self::Write { workflow_files: allowed },
        }
    }

    /// The permissions by GitHub's names: these and no others.
    pub fn permissions(self) -> BTreeMap<String, Access> {
        let level = match self {
            Self::Read => Access::Read,
            Self::Write { .. } => Access::Write,
        };
        let mut permissions = vec![
            ("metadata", Access::Read),
            ("checks", Access::Read),
            ("statuses", Access::Read),
            ("contents", level),
            ("pull_requests", level),
        ];
        if self == (Self::Write { workflow_files: true }) {
            permissions.push(("workflows", Access::Write));
        }
        permissions.into_iter().map(|(name, access)| (name.to_owned(), access)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(grant: Grant) -> String {
        let permissions = grant.permissions();
        let words: Vec<String> =
            permissions.iter().map(|(name, access)| format!("{name}:{access:?}").to_lowercase()).collect();
        words.join(" ")
    }

    #[test]
    fn each_grant_is_exactly_this() {
        insta::assert_snapshot!(shown(Grant::Read),
            @"checks:read contents:read metadata:read pull_requests:read statuses:read");
        insta::assert_snapshot!(shown("write".parse().unwrap()),
            @"checks:read contents:write metadata:read pull_requests:write statuses:read");
        insta::assert_snapshot!(shown(Grant::Write { workflow_files: true }),
            @"checks:read contents:write metadata:read pull_requests:write statuses:read workflows:write");
    }

    #[test]
    fn reading_never_becomes_writing() {
        assert_eq!(Grant::Read.with_workflow_files(true), Grant::Read);
        for bad in ["", "Read", "admin", "write "] {
            assert!(bad.parse::<Grant>().is_err(), "{bad}");
        }
    }
}

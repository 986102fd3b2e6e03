//! Permissions of apps and their tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an app may be granted. Other permissions of GitHub's are unknown to the simulator and rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Workflow runs.
    Actions,
    /// Settings, branch protection.
    Administration,
    /// Check runs and suites.
    Checks,
    /// Files, commits, branches, merging.
    Contents,
    /// Issues, and comments and labels of pull requests.
    Issues,
    /// Members of an organization.
    Members,
    /// The repository's own data; every installation has it.
    Metadata,
    /// Pull requests and reviews.
    PullRequests,
    /// Commit statuses.
    Statuses,
    /// Files under `.github/workflows`.
    Workflows,
}

impl Permission {
    /// GitHub's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Administration => "administration",
            Self::Checks => "checks",
            Self::Contents => "contents",
            Self::Issues => "issues",
            Self::Members => "members",
            Self::Metadata => "metadata",
            Self::PullRequests => "pull_requests",
            Self::Statuses => "statuses",
            Self::Workflows => "workflows",
        }
    }
}

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// May read.
    Read,
    /// May read and change.
    Write,
}

impl Level {
    /// GitHub's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A set of permissions.
pub type Permissions = BTreeMap<Permission, Level>;

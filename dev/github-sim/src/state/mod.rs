//! The persistent model: everything about a repository that is not in Git.

mod ci;
mod pull;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::ci::{CheckRun, CommitStatus};
pub(crate) use self::pull::{IssueComment, Label, Merged, Pull, PullState, ReviewComment};
pub use self::pull::{Review, ReviewState};

use crate::auth::Permissions;
use crate::names::RepoName;
use crate::webhooks::Delivery;

/// The whole state, saved as `state.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    last_id: u64,
    /// Accounts by lower-case login.
    pub users: BTreeMap<String, User>,
    /// Repositories by [`RepoName::key`].
    pub repos: BTreeMap<String, Repo>,
    /// Installations by lower-case account login.
    pub installations: BTreeMap<String, Installation>,
    /// Installation tokens by their text.
    pub tokens: BTreeMap<String, InstallationToken>,
    /// Webhook deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
}

impl State {
    /// The next free id. Ids are unique over all kinds of objects.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        1_000 + self.last_id
    }

    /// The account of this login.
    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        self.users.get(&login.to_ascii_lowercase())
    }

    /// The account of this login, created as `kind` when it is new.
    pub(crate) fn ensure_user(&mut self, login: &str, kind: AccountKind, now: Timestamp) -> &mut User {
        let key = login.to_ascii_lowercase();
        if !self.users.contains_key(&key) {
            let id = self.next_id();
            let user = User { id, login: login.to_owned(), name: None, email: None, kind, created_at: now };
            self.users.insert(key.clone(), user);
        }
        self.users.entry(key).or_insert_with(|| unreachable!("the account was inserted above"))
    }

    /// The repository of this name.
    pub(crate) fn repo(&self, name: &RepoName) -> Option<&Repo> {
        self.repos.get(&name.key())
    }

    /// The repository of this name, to change it.
    pub(crate) fn repo_mut(&mut self, name: &RepoName) -> Option<&mut Repo> {
        self.repos.get_mut(&name.key())
    }
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AccountKind {
    /// A person.
    User,
    /// An organization.
    Organization,
    /// An app's own account.
    Bot,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    /// Numeric id.
    pub id: u64,
    /// Login.
    pub login: String,
    /// Display name.
    pub name: Option<String>,
    /// Public e-mail address.
    pub email: Option<String>,
    /// Person, organization or bot.
    pub kind: AccountKind,
    /// When it was created.
    pub created_at: Timestamp,
}

impl User {
    /// The address that commits made on GitHub carry.
    pub(crate) fn commit_email(&self) -> String {
        self.email.clone().unwrap_or_else(|| format!("{}+{}@users.noreply.github.com", self.id, self.login))
    }
}

/// A collaborator's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read.
    Read,
    /// May push, review and merge.
    Write,
    /// May do everything.
    Admin,
}

impl Role {
    /// The word GitHub uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A repository's metadata; its contents are in Git.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repo {
    /// Numeric id.
    pub id: u64,
    /// Owner and name, as written at creation.
    pub name: RepoName,
    /// One line about it.
    pub description: Option<String>,
    /// Whether only collaborators and the app see it.
    pub private: bool,
    /// The default branch.
    pub default_branch: String,
    /// Whether the app is installed on it.
    pub app_installed: bool,
    /// Roles by lower-case login.
    pub collaborators: BTreeMap<String, Role>,
    /// Which ways of merging are allowed.
    pub merge: MergeSettings,
    /// Protection by branch.
    pub protections: BTreeMap<String, Protection>,
    /// Pull requests by number.
    pub pulls: BTreeMap<u64, Pull>,
    /// Labels by name.
    pub labels: BTreeMap<String, Label>,
    /// Check runs, oldest first.
    pub check_runs: Vec<CheckRun>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<CommitStatus>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a reference last moved.
    pub pushed_at: Timestamp,
}

impl Repo {
    /// The role of this login, by ownership or invitation.
    pub(crate) fn role(&self, login: &str) -> Option<Role> {
        if login.eq_ignore_ascii_case(&self.name.owner) {
            return Some(Role::Admin);
        }
        self.collaborators.get(&login.to_ascii_lowercase()).copied()
    }

    /// Pull requests that are open.
    pub(crate) fn open_pulls(&self) -> impl Iterator<Item = &Pull> {
        self.pulls.values().filter(|p| p.state == PullState::Open)
    }
}

/// Allowed merge methods.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MergeSettings {
    /// Merge commits.
    pub merge: bool,
    /// Squash merges.
    pub squash: bool,
    /// Rebase merges.
    pub rebase: bool,
    /// Whether the head branch goes away after the merge.
    pub delete_branch: bool,
}

impl Default for MergeSettings {
    fn default() -> Self {
        Self { merge: true, squash: true, rebase: true, delete_branch: false }
    }
}

/// Branch protection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protection {
    /// Names of check runs or status contexts that must succeed.
    pub required_checks: Vec<String>,
    /// Whether the head must contain the tip of the base.
    pub strict: bool,
    /// Approving reviews needed from people with write access.
    pub required_approvals: u32,
    /// Whether a push dismisses approvals.
    pub dismiss_stale_reviews: bool,
}

/// The app's installation on an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Installation {
    /// Numeric id.
    pub id: u64,
    /// Login of the account.
    pub account: String,
    /// When it was installed.
    pub created_at: Timestamp,
}

/// A minted installation token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstallationToken {
    /// The installation.
    pub installation: u64,
    /// The account.
    pub account: String,
    /// Keys of the repositories it is limited to; `None`: all of the installation.
    pub repositories: Option<Vec<String>>,
    /// What it may do.
    pub permissions: Permissions,
    /// When it stops working.
    pub expires_at: Timestamp,
}

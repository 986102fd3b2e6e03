//! Making repositories, and pushing to them as a person would.

mod import;
mod person;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;

use self::import::read_dir;
pub use self::person::{NewFile, NewPush};
pub(crate) use self::person::{as_person, push_commit};
use crate::error::{ApiError, ApiResult};
use crate::git::{EntrySource, Identity, NewCommit, TreeEdit};
use crate::names::{RepoName, Sha, valid_ref, valid_tree_path};
use crate::sim::Sim;
use crate::state::{AccountKind, Installation, MergeSettings, Repo, Role};

/// The date of initial commits: fixed, so that the same files always give the same commit.
const FIRST_DATE: &str = "2026-01-01T00:00:00Z";

/// A repository to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRepo {
    /// The account; made as an organization when it is new.
    pub owner: String,
    /// The name.
    pub name: String,
    /// A folder with the files of the initial commit; `.git` is left out.
    #[serde(default)]
    pub dir: Option<PathBuf>,
    /// Files of the initial commit, by path, over those of `dir`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The default branch.
    #[serde(default = "main_branch")]
    pub default_branch: String,
    /// The message of the initial commit.
    #[serde(default = "first_message")]
    pub message: String,
    /// Its author's name.
    #[serde(default = "first_author")]
    pub author: String,
    /// Its author's address.
    #[serde(default = "first_email")]
    pub email: String,
    /// Its date.
    #[serde(default)]
    pub date: Option<Timestamp>,
    /// One line about the repository.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether only collaborators and the app see it.
    #[serde(default = "yes")]
    pub private: bool,
    /// Whether the app is installed on it.
    #[serde(default = "yes")]
    pub app_installed: bool,
    /// Roles of people, who are made when they are new.
    #[serde(default)]
    pub collaborators: BTreeMap<String, Role>,
    /// Allowed ways of merging.
    #[serde(default)]
    pub merge: MergeSettings,
}

fn main_branch() -> String {
    "main".to_owned()
}

fn first_message() -> String {
    "Initial commit".to_owned()
}

fn first_author() -> String {
    "Ada Lovelace".to_owned()
}

fn first_email() -> String {
    "ada@example.com".to_owned()
}

fn yes() -> bool {
    true
}

impl NewRepo {
    /// A private repository with the app installed and no files yet.
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
            dir: None,
            files: BTreeMap::new(),
            default_branch: main_branch(),
            message: first_message(),
            author: first_author(),
            email: first_email(),
            date: None,
            description: None,
            private: true,
            app_installed: true,
            collaborators: BTreeMap::new(),
            merge: MergeSettings::default(),
        }
    }

    /// Takes the initial commit's files from a folder.
    #[must_use]
    pub fn from_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Adds a text file to the initial commit.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, content: impl Into<String>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }
}

/// Makes a repository with its initial commit, which is returned.
///
/// # Errors
/// 422 for a bad name, branch or path, a name that is taken, or a folder that cannot be read.
pub(crate) async fn create(sim: &Sim, new: NewRepo) -> ApiResult<Sha> {
    let name = RepoName::new(&new.owner, &new.name).map_err(ApiError::unprocessable)?;
    let _lock = sim.lock(&name).await;
    let branch = format!("refs/heads/{}", new.default_branch);
    if !valid_ref(&branch) {
        return Err(ApiError::unprocessable(format!("\"{}\" is no branch name", new.default_branch)));
    }
    if sim.store.read(|s| s.repo(&name).is_some()) {
        return Err(ApiError::unprocessable(format!("the repository {name} exists already")));
    }
    let git = sim.git.repo(&name);
    git.init(&new.default_branch).await?;
    let mut edits = match &new.dir {
        Some(dir) => read_dir(&git, dir).await?,
        None => Vec::new(),
    };
    for (path, content) in &new.files {
        edits.push(edit(path, "100644", EntrySource::Content(content.clone().into_bytes()))?);
    }
    let tree = git.edit_tree(None, &edits).await?;
    let first_date = FIRST_DATE.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let author = Identity { name: new.author.clone(), email: new.email.clone(), date: new.date.unwrap_or(first_date) };
    let commit = NewCommit {
        tree,
        parents: Vec::new(),
        committer: author.clone(),
        author,
        message: new.message.clone(),
        signature: None,
    };
    let sha = git.write_commit(&commit).await?;
    git.set_ref(&branch, &sha).await?;
    record(sim, name, new);
    Ok(sha)
}

fn record(sim: &Sim, name: RepoName, new: NewRepo) {
    let now = sim.clock.now();
    sim.store.write(|state| {
        state.ensure_user(&new.owner, AccountKind::Organization, now);
        for login in new.collaborators.keys() {
            state.ensure_user(login, AccountKind::User, now);
        }
        if new.app_installed && sim.config.app.is_some() {
            let key = new.owner.to_ascii_lowercase();
            if !state.installations.contains_key(&key) {
                let id = state.next_id();
                state.installations.insert(key, Installation { id, account: new.owner.clone(), created_at: now });
            }
        }
        let collaborators = new.collaborators.into_iter().map(|(l, r)| (l.to_ascii_lowercase(), r));
        let repo = Repo {
            id: state.next_id(),
            description: new.description,
            private: new.private,
            default_branch: new.default_branch,
            app_installed: new.app_installed,
            collaborators: collaborators.collect(),
            merge: new.merge,
            protections: BTreeMap::new(),
            pulls: BTreeMap::new(),
            labels: BTreeMap::new(),
            check_runs: Vec::new(),
            statuses: Vec::new(),
            created_at: now,
            pushed_at: now,
            name,
        };
        state.repos.insert(repo.name.key(), repo);
    });
}

fn edit(path: &str, mode: &str, source: EntrySource) -> ApiResult<TreeEdit> {
    if !valid_tree_path(path) {
        return Err(ApiError::unprocessable(format!("\"{path}\" cannot be a path in a repository")));
    }
    Ok(TreeEdit { path: path.to_owned(), mode: mode.to_owned(), source })
}

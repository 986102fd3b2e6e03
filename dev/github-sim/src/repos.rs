//! Making repositories, and pushing to them as a person would.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use jiff::Timestamp;
use serde::Deserialize;
use walkdir::WalkDir;

use crate::auth::{Access, Actor};
use crate::error::{ApiError, ApiResult};
use crate::git::{EntrySource, Git, Identity, NewCommit, TreeEdit};
use crate::names::{RepoName, Sha, valid_ref, valid_tree_path};
use crate::push::{self, Moved};
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

/// A push by a person: one commit with these changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPush {
    /// The branch; made from `from` (or the default branch) when it is new.
    pub branch: String,
    /// The message.
    pub message: String,
    /// Files by path: `{"text": …}`, `{"base64": …}`, either with `"executable": true`, or `null` to delete.
    pub files: BTreeMap<String, Option<NewFile>>,
    /// The branch or commit to start a new branch from, or with `force` to restart it from.
    #[serde(default)]
    pub from: Option<String>,
    /// Whether commits of the branch may be lost.
    #[serde(default)]
    pub force: bool,
    /// Who pushes; absent: the configured person.
    #[serde(default, rename = "as")]
    pub actor: Option<String>,
}

/// A file's contents in a push.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// The contents as text.
    #[serde(default)]
    pub text: Option<String>,
    /// The contents as base64.
    #[serde(default)]
    pub base64: Option<String>,
    /// Whether it is a program.
    #[serde(default)]
    pub executable: bool,
}

impl NewFile {
    /// A text file.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), base64: None, executable: false }
    }

    fn bytes(&self) -> ApiResult<Vec<u8>> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(encoded)) => base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .map_err(|_| ApiError::unprocessable("\"base64\" is not valid base64")),
            _ => Err(ApiError::unprocessable("a file needs either \"text\" or \"base64\"")),
        }
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

/// Stores all files of a folder as blobs: regular files, programs and symbolic links.
async fn read_dir(git: &Git, dir: &Path) -> ApiResult<Vec<TreeEdit>> {
    let unreadable = |detail: String| ApiError::unprocessable(format!("{}: {detail}", dir.display()));
    let root = dir.canonicalize().map_err(|e| unreadable(e.to_string()))?;
    let (mut files, mut edits) = (Vec::new(), Vec::new());
    let walk = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(|e| e.file_name() != ".git");
    for entry in walk {
        let entry = entry.map_err(|e| unreadable(e.to_string()))?;
        let relative = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let not_text = || unreadable(format!("{} is not a UTF-8 name", relative.display()));
        let path = relative.to_str().ok_or_else(not_text)?;
        if entry.file_type().is_symlink() {
            let target = std::fs::read_link(entry.path()).map_err(|e| unreadable(e.to_string()))?;
            let bytes = target.to_string_lossy().into_owned().into_bytes();
            edits.push(edit(path, "120000", EntrySource::Content(bytes))?);
        } else if entry.file_type().is_file() {
            let meta = entry.metadata().map_err(|e| unreadable(e.to_string()))?;
            let mode = if meta.permissions().mode() & 0o111 == 0 { "100644" } else { "100755" };
            if path.contains('\n') {
                let bytes = std::fs::read(entry.path()).map_err(|e| unreadable(e.to_string()))?;
                edits.push(edit(path, mode, EntrySource::Content(bytes))?);
            } else {
                files.push((entry.path().to_path_buf(), path.to_owned(), mode));
            }
        }
    }
    let on_disk: Vec<PathBuf> = files.iter().map(|(disk, ..)| disk.clone()).collect();
    for ((_, path, mode), sha) in files.iter().zip(git.write_blobs_from_disk(&on_disk).await?) {
        edits.push(edit(path, mode, EntrySource::Object(sha))?);
    }
    Ok(edits)
}

/// Access for somebody who uses Git or the pages rather than the API.
///
/// # Errors
/// 404 for an unknown repository, 422 for an unknown account.
pub(crate) fn as_person(sim: &Sim, name: &RepoName, login: Option<&str>) -> ApiResult<Access> {
    let repo = sim.repo(name)?;
    let login = login.unwrap_or(&sim.config.human);
    let known = sim.store.read(|s| s.user(login).map(|u| u.login.clone()));
    let unknown =
        || ApiError::unprocessable(format!("there is no account \"{login}\"; name it as a collaborator first"));
    let login = known.ok_or_else(unknown)?;
    let actor = Actor { app: login.ends_with("[bot]"), login };
    Ok(Access { git: sim.git.repo(&repo.name), name: repo.name, actor, workflows: true })
}

/// Pushes one commit and returns it.
///
/// # Errors
/// 404 for an unknown repository, 422 for a bad branch, path or starting point.
pub(crate) async fn push_commit(sim: &Sim, name: &RepoName, new: NewPush) -> ApiResult<Sha> {
    let access = as_person(sim, name, new.actor.as_deref())?;
    let _lock = sim.lock(&access.name).await;
    let git = &access.git;
    let reference = format!("refs/heads/{}", new.branch);
    if !valid_ref(&reference) {
        return Err(ApiError::unprocessable(format!("\"{}\" is no branch name", new.branch)));
    }
    let before = git.branch(&new.branch).await?;
    let parent = match (&before, &new.from) {
        (Some(tip), _) if !new.force => tip.clone(),
        (Some(tip), None) => tip.clone(),
        (_, from) => {
            let from = from.clone().unwrap_or(sim.repo(name)?.default_branch);
            let unknown = || ApiError::unprocessable(format!("\"{from}\" is no branch or commit"));
            git.resolve_commit(&from).await?.ok_or_else(unknown)?
        }
    };
    let mut edits = Vec::with_capacity(new.files.len());
    for (path, file) in &new.files {
        edits.push(match file {
            None => edit(path, "100644", EntrySource::Delete)?,
            Some(file) => {
                let mode = if file.executable { "100755" } else { "100644" };
                edit(path, mode, EntrySource::Content(file.bytes()?))?
            }
        });
    }
    let tree = git.edit_tree(Some(&parent), &edits).await?;
    let author = sim.commit_identity(&access.actor.login);
    let commit = NewCommit {
        tree,
        parents: vec![parent.clone()],
        committer: author.clone(),
        author,
        message: new.message,
        signature: None,
    };
    let sha = git.write_commit(&commit).await?;
    let forced = before.as_ref().is_some_and(|tip| *tip != parent);
    let moved = Moved { name: &reference, before: before.as_ref(), after: Some(&sha), forced };
    push::move_ref(sim, &access, &moved).await?;
    Ok(sha)
}

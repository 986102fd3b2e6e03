//! Pushing as a person would.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::Deserialize;

use super::edit;
use crate::auth::{Access, Actor};
use crate::error::{ApiError, ApiResult};
use crate::git::{EntrySource, NewCommit};
use crate::names::{RepoName, Sha, valid_ref};
use crate::push::{self, Moved};
use crate::sim::Sim;

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

//! One repository: what it is, where its branches stand.

use domain::{CommitSha, Repository};
use http::StatusCode;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::call::{Call, Reply};
use crate::error::GithubError;
use crate::host::Github;

/// What may not stand as it is in a path with slashes: everything but unreserved characters and `/`.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One repository of a [`Github`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repo {
    pub(crate) github: Github,
    repository: Repository,
}

/// What the repository's owner has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSettings {
    /// GitHub's number of the repository; it survives a renaming.
    pub id: u64,
    /// `owner/name` as GitHub writes it.
    pub full_name: String,
    /// The branch that a clone starts on.
    pub default_branch: String,
    /// Whether only members see it.
    pub private: bool,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether merge commits are allowed; `None` where the credential may not know.
    pub allow_merge_commit: Option<bool>,
    /// Whether squashing is allowed.
    pub allow_squash_merge: Option<bool>,
    /// Whether rebasing is allowed.
    pub allow_rebase_merge: Option<bool>,
}

#[derive(Deserialize)]
struct SettingsBody {
    id: u64,
    full_name: String,
    default_branch: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    archived: bool,
    allow_merge_commit: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_rebase_merge: Option<bool>,
}

#[derive(Deserialize)]
struct RefBody {
    object: ObjectBody,
}

#[derive(Deserialize)]
struct ObjectBody {
    sha: CommitSha,
}

impl Repo {
    pub(crate) fn new(github: Github, repository: Repository) -> Self {
        Self { github, repository }
    }

    /// Its name.
    pub fn name(&self) -> &Repository {
        &self.repository
    }

    /// What its owner has set; also the check that we see it at all.
    ///
    /// # Errors
    /// [`GithubError::RepositoryNotFound`] when we do not.
    pub async fn settings(&self) -> Result<RepoSettings, GithubError> {
        let reply = self.send(&Call::get(self.path(""))).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(self.missing());
        }
        let body: SettingsBody = reply.json()?;
        Ok(RepoSettings {
            id: body.id,
            full_name: body.full_name,
            default_branch: body.default_branch,
            private: body.private,
            archived: body.archived,
            allow_merge_commit: body.allow_merge_commit,
            allow_squash_merge: body.allow_squash_merge,
            allow_rebase_merge: body.allow_rebase_merge,
        })
    }

    /// The commit at the head of a branch.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when there is no such branch.
    pub async fn branch_head(&self, branch: &str) -> Result<CommitSha, GithubError> {
        match self.branch(branch).await? {
            Some(sha) => Ok(sha),
            None => Err(self.absent(format!("branch `{}`", shown(branch))).await),
        }
    }

    /// The commit at the head of a branch, or `None` when there is no such branch (or no such repository).
    ///
    /// # Errors
    /// Every [`GithubError`] but the missing branch.
    pub async fn branch(&self, branch: &str) -> Result<Option<CommitSha>, GithubError> {
        let path = self.path(&format!("/git/ref/heads/{}", encode(branch)));
        let reply = self.send(&Call::get(path)).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        reply.json::<RefBody>().map(|body| Some(body.object.sha))
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/repos/{}{rest}", self.repository)
    }

    /// Makes a call in this repository; a redirect that was not followed means that it was moved.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, GithubError> {
        let reply = self.github.send(call).await?;
        if reply.status.is_redirection() {
            return Err(GithubError::Moved { repository: self.repository.clone() });
        }
        Ok(reply)
    }

    /// A GET of something that has to be there.
    pub(crate) async fn read<T: DeserializeOwned>(&self, rest: &str, what: &str) -> Result<T, GithubError> {
        let reply = self.send(&Call::get(self.path(rest))).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(self.absent(what.to_owned()).await);
        }
        reply.json()
    }

    /// The error for a 404 below the repository: GitHub says the same whether the thing or the repository is missing.
    pub(crate) async fn absent(&self, what: String) -> GithubError {
        match self.settings().await {
            Ok(_) => GithubError::NotFound { repository: self.repository.clone(), what },
            Err(error) => error,
        }
    }

    pub(crate) fn missing(&self) -> GithubError {
        GithubError::RepositoryNotFound { repository: self.repository.clone() }
    }
}

/// A branch or path, ready to stand in an address.
pub(crate) fn encode(text: &str) -> String {
    // A `.` or `..` component would be taken out by an address parser on the way.
    let parts: Vec<String> = text
        .split('/')
        .map(|part| match part {
            "." => "%2E".to_owned(),
            ".." => "%2E%2E".to_owned(),
            _ => utf8_percent_encode(part, PATH).to_string(),
        })
        .collect();
    parts.join("/")
}

/// A foreign name in a message of ours.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '`').take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_an_address() {
        assert_eq!(encode("feature/x-1"), "feature/x-1");
        assert_eq!(encode("a b#c?d%"), "a%20b%23c%3Fd%25");
        assert_eq!(encode("ü"), "%C3%BC");
        assert_eq!(encode("../../admin"), "%2E%2E/%2E%2E/admin");
    }
}

//! The Git Data API: objects and branches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::CommitSha;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::GithubError;
use crate::object::blob_id;
use crate::repo::{Repo, encode};
use crate::tree::EntryKind;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub sha: CommitSha,
    /// Its tree.
    pub tree: CommitSha,
    /// What it follows.
    pub parents: Vec<CommitSha>,
    /// Its whole message.
    pub message: String,
}

/// The name of a blob that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob(pub CommitSha);

/// A difference from a base tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewTreeEntry {
    /// A file, new or replaced.
    Write {
        /// From the root.
        path: String,
        /// What it is.
        kind: EntryKind,
        /// Its content.
        blob: Blob,
    },
    /// A file that is gone.
    Delete {
        /// From the root.
        path: String,
    },
}

/// A commit to be made. The same values always make the same commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// Its whole message.
    pub message: String,
    /// Its tree.
    pub tree: CommitSha,
    /// What it follows.
    pub parents: Vec<CommitSha>,
    /// Author and committer.
    pub author: Identity,
    /// When, to the second.
    pub date: Timestamp,
}

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// What became of a new branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedRef {
    /// It is there.
    Created,
    /// There was one of that name; nothing was changed.
    AlreadyExists,
}

/// What became of a branch that was to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdatedRef {
    /// It has moved.
    Updated,
    /// The new commit does not follow from the branch's head, or the branch is gone; nothing was changed.
    NotFastForward,
}

#[derive(Deserialize)]
struct ShaBody {
    sha: CommitSha,
}

#[derive(Deserialize)]
struct CommitBody {
    sha: CommitSha,
    tree: ShaBody,
    parents: Vec<ShaBody>,
    message: String,
}

#[derive(Deserialize)]
struct BlobBody {
    content: String,
    encoding: String,
}

impl From<CommitBody> for Commit {
    fn from(body: CommitBody) -> Self {
        Self {
            sha: body.sha,
            tree: body.tree.sha,
            parents: body.parents.into_iter().map(|parent| parent.sha).collect(),
            message: body.message,
        }
    }
}

impl Repo {
    /// A commit.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when the repository does not have it.
    pub async fn commit(&self, sha: &CommitSha) -> Result<Commit, GithubError> {
        let body: CommitBody = self.read(&format!("/git/commits/{sha}"), &format!("commit {sha}")).await?;
        Ok(body.into())
    }

    /// A blob's content, checked against its name.
    ///
    /// # Errors
    /// [`GithubError::Unexpected`] when the content is not the one of that name.
    pub async fn blob(&self, sha: &CommitSha) -> Result<Vec<u8>, GithubError> {
        let body: BlobBody = self.read(&format!("/git/blobs/{sha}"), &format!("blob {sha}")).await?;
        let wrong = |reason: &str| GithubError::Unexpected {
            call: format!("GET {}", self.path(&format!("/git/blobs/{sha}"))),
            reason: reason.to_owned(),
        };
        let content = match body.encoding.as_str() {
            "base64" => {
                let flat: String = body.content.split_ascii_whitespace().collect();
                STANDARD.decode(flat).map_err(|_| wrong("its content is not base64"))?
            }
            "utf-8" => body.content.into_bytes(),
            _ => return Err(wrong("its content has an unknown encoding")),
        };
        if blob_id(&content, sha.as_str()) != sha.as_str() {
            return Err(wrong("the content does not have the name that was asked for"));
        }
        Ok(content)
    }

    /// Stores a blob.
    ///
    /// # Errors
    /// [`GithubError::Unexpected`] when GitHub stored something else.
    pub async fn create_blob(&self, content: &[u8]) -> Result<Blob, GithubError> {
        let body = json!({"content": STANDARD.encode(content), "encoding": "base64"});
        let call = Call::post(self.path("/git/blobs"), body);
        let sha = self.send(&call).await?.json::<ShaBody>()?.sha;
        if blob_id(content, sha.as_str()) != sha.as_str() {
            let reason = "the stored blob has another name than its content".to_owned();
            return Err(GithubError::Unexpected { call: call.label(), reason });
        }
        Ok(Blob(sha))
    }

    /// Stores the tree that `base` becomes by `changes`; answers its name.
    ///
    /// # Errors
    /// [`GithubError::Refused`] for paths that cannot be.
    pub async fn create_tree(&self, base: &CommitSha, changes: &[NewTreeEntry]) -> Result<CommitSha, GithubError> {
        let entries: Vec<Value> = changes
            .iter()
            .map(|change| match change {
                NewTreeEntry::Write { path, kind, blob } => {
                    json!({"path": path, "mode": kind.mode(), "type": "blob", "sha": blob.0})
                }
                NewTreeEntry::Delete { path } => {
                    json!({"path": path, "mode": EntryKind::File.mode(), "type": "blob", "sha": null})
                }
            })
            .collect();
        let call = Call::post(self.path("/git/trees"), json!({"base_tree": base, "tree": entries}));
        Ok(self.send(&call).await?.json::<ShaBody>()?.sha)
    }

    /// Stores a commit; no branch moves.
    ///
    /// # Errors
    /// [`GithubError::Refused`] when tree or parents are unknown.
    pub async fn create_commit(&self, commit: &NewCommit) -> Result<Commit, GithubError> {
        let date = commit.date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let person = json!({"name": commit.author.name, "email": commit.author.email, "date": date});
        let body = json!({
            "message": commit.message,
            "tree": commit.tree,
            "parents": commit.parents,
            "author": person,
            "committer": person,
        });
        let call = Call::post(self.path("/git/commits"), body);
        Ok(self.send(&call).await?.json::<CommitBody>()?.into())
    }

    /// Makes a branch.
    ///
    /// # Errors
    /// [`GithubError::Refused`] for anything but a branch that is there already.
    pub async fn create_branch(&self, branch: &str, sha: &CommitSha) -> Result<CreatedRef, GithubError> {
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": sha});
        let reply = self.send(&Call::post(self.path("/git/refs"), body)).await?;
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY && reply.message().contains("already exists") {
            return Ok(CreatedRef::AlreadyExists);
        }
        reply.json::<Value>().map(|_| CreatedRef::Created)
    }

    /// Moves a branch forward; never by force.
    ///
    /// # Errors
    /// [`GithubError::Refused`] for anything but a move that is not forward, such as a rule that forbids it.
    pub async fn advance_branch(&self, branch: &str, sha: &CommitSha) -> Result<UpdatedRef, GithubError> {
        let path = self.path(&format!("/git/refs/heads/{}", encode(branch)));
        let reply = self.send(&Call::patch(path, json!({"sha": sha, "force": false}))).await?;
        let text = reply.message().to_lowercase();
        let lost = text.contains("fast forward") || text.contains("reference does not exist");
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY && lost {
            return Ok(UpdatedRef::NotFastForward);
        }
        reply.json::<Value>().map(|_| UpdatedRef::Updated)
    }

    /// Removes a branch; one that is gone already is fine.
    ///
    /// # Errors
    /// [`GithubError::Refused`] when a rule forbids it.
    pub async fn delete_branch(&self, branch: &str) -> Result<(), GithubError> {
        let path = self.path(&format!("/git/refs/heads/{}", encode(branch)));
        let reply = self.send(&Call::delete(path)).await?;
        let gone = reply.status == StatusCode::NOT_FOUND
            || (reply.status == StatusCode::UNPROCESSABLE_ENTITY && reply.message().contains("does not exist"));
        if reply.status.is_success() || gone { Ok(()) } else { Err(reply.refusal()) }
    }
}

//! Pull requests.

use domain::CommitSha;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::GithubError;
use crate::repo::{Repo, encode};

/// A pull request's number.
pub type PullNumber = u64;

/// A pull request as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: PullNumber,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Open, closed or merged.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// Its head's commit.
    pub head_sha: CommitSha,
    /// Its head's branch.
    pub head_branch: String,
    /// The branch that it merges into.
    pub base_branch: String,
    /// `owner/name` of the head's repository; `None` when that was deleted.
    pub head_repository: Option<String>,
    /// Whether it can be merged. Lists do not say.
    pub mergeability: Mergeability,
    /// Who merged it.
    pub merged_by: Option<User>,
    /// Who closed it, where GitHub says so.
    pub closed_by: Option<User>,
}

/// Open, closed or merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullState {
    /// Open.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged {
        /// The commit on the base branch; lists of old pull requests may lack it.
        sha: Option<CommitSha>,
    },
}

/// Whether a pull request can be merged, as GitHub has found out so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mergeability {
    /// Not computed yet: ask again.
    Unknown,
    /// It conflicts with its base.
    Conflict,
    /// Without conflict, but a rule stands in the way: GitHub's word for it, such as `blocked` or `behind`.
    Blocked(String),
    /// Nothing stands in the way.
    Clean,
}

/// A GitHub account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its number, which survives a renaming.
    pub id: u64,
    /// Its name.
    pub login: String,
}

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPull {
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The branch with the change, in the same repository.
    pub head: String,
    /// The branch to merge into.
    pub base: String,
}

/// What became of a new pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedPull {
    /// It is open.
    Created(Box<PullRequest>),
    /// There is an open one for that branch; look for it.
    AlreadyExists,
}

/// How to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Commit by commit.
    Rebase,
}

impl MergeMethod {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeResult {
    /// It is merged; the commit on the base branch.
    Merged(CommitSha),
    /// It conflicts with its base.
    Conflict,
    /// The head is not the one that was asked for, or the pull request is no longer open: look again.
    HeadModified,
    /// A rule stands in the way for now; GitHub's own words.
    NotMergeableYet(String),
}

#[derive(Deserialize)]
struct PullBody {
    number: PullNumber,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    merged: Option<bool>,
    merged_at: Option<String>,
    merge_commit_sha: Option<CommitSha>,
    head: SideBody,
    base: SideBody,
    mergeable: Option<bool>,
    mergeable_state: Option<String>,
    merged_by: Option<User>,
    closed_by: Option<User>,
}

#[derive(Deserialize)]
struct SideBody {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitSha,
    repo: Option<SideRepoBody>,
}

#[derive(Deserialize)]
struct SideRepoBody {
    full_name: String,
}

#[derive(Deserialize)]
struct MergeBody {
    sha: CommitSha,
}

impl From<PullBody> for PullRequest {
    fn from(body: PullBody) -> Self {
        let merged = body.merged.unwrap_or(false) || body.merged_at.is_some();
        let state = match body.state.as_str() {
            // Before a merge, `merge_commit_sha` is only GitHub's test merge.
            _ if merged => PullState::Merged { sha: body.merge_commit_sha },
            "open" => PullState::Open,
            _ => PullState::Closed,
        };
        let mergeability = match (body.mergeable, body.mergeable_state.as_deref().unwrap_or("unknown")) {
            (Some(false), _) | (_, "dirty") => Mergeability::Conflict,
            (None, _) | (_, "unknown") => Mergeability::Unknown,
            (Some(true), "clean" | "has_hooks" | "unstable") => Mergeability::Clean,
            (Some(true), word) => Mergeability::Blocked(word.to_owned()),
        };
        Self {
            number: body.number,
            url: body.html_url,
            title: body.title,
            body: body.body.unwrap_or_default(),
            state,
            draft: body.draft,
            head_sha: body.head.sha,
            head_branch: body.head.branch,
            base_branch: body.base.branch,
            head_repository: body.head.repo.map(|repo| repo.full_name),
            mergeability,
            merged_by: body.merged_by,
            closed_by: body.closed_by,
        }
    }
}

impl Repo {
    /// A pull request.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when there is none of that number.
    pub async fn pull(&self, number: PullNumber) -> Result<PullRequest, GithubError> {
        let body: PullBody = self.read(&format!("/pulls/{number}"), &format!("pull request #{number}")).await?;
        Ok(body.into())
    }

    /// Every pull request, open or not, from a branch of this repository; newest first, at most 100.
    ///
    /// # Errors
    /// Every [`GithubError`].
    pub async fn pulls_from(&self, branch: &str) -> Result<Vec<PullRequest>, GithubError> {
        let head = encode(&format!("{}:{branch}", self.name().owner())).replace('&', "%26").replace('+', "%2B");
        let route = format!("/pulls?state=all&per_page=100&sort=created&direction=desc&head={head}");
        let bodies: Vec<PullBody> = self.read(&route, "pull requests").await?;
        // GitHub ignores a `head` that it does not understand and then lists everything.
        let own = |pull: &PullRequest| {
            pull.head_branch == branch
                && pull.head_repository.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(self.name().as_str()))
        };
        Ok(bodies.into_iter().map(PullRequest::from).filter(own).collect())
    }

    /// Opens a pull request.
    ///
    /// # Errors
    /// [`GithubError::Refused`] for anything but one that is open already.
    pub async fn create_pull(&self, pull: &NewPull) -> Result<CreatedPull, GithubError> {
        let body = json!({
            "title": pull.title,
            "body": pull.body,
            "head": pull.head,
            "base": pull.base,
            "maintainer_can_modify": false,
        });
        let reply = self.send(&Call::post(self.path("/pulls"), body)).await?;
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY && reply.message().contains("already exists") {
            return Ok(CreatedPull::AlreadyExists);
        }
        reply.json::<PullBody>().map(|body| CreatedPull::Created(Box::new(body.into())))
    }

    /// Replaces title and text.
    ///
    /// # Errors
    /// Every [`GithubError`].
    pub async fn edit_pull(&self, number: PullNumber, title: &str, body: &str) -> Result<PullRequest, GithubError> {
        self.patch_pull(number, json!({"title": title, "body": body})).await
    }

    /// Closes a pull request without a merge.
    ///
    /// # Errors
    /// Every [`GithubError`].
    pub async fn close_pull(&self, number: PullNumber) -> Result<PullRequest, GithubError> {
        self.patch_pull(number, json!({"state": "closed"})).await
    }

    async fn patch_pull(&self, number: PullNumber, body: Value) -> Result<PullRequest, GithubError> {
        let call = Call::patch(self.path(&format!("/pulls/{number}")), body);
        Ok(self.send(&call).await?.json::<PullBody>()?.into())
    }

    /// Merges a pull request if its head is still `head`.
    ///
    /// # Errors
    /// [`GithubError::Refused`] when we may not merge at all.
    pub async fn merge_pull(
        &self,
        number: PullNumber,
        head: &CommitSha,
        method: MergeMethod,
    ) -> Result<MergeResult, GithubError> {
        let body = json!({"sha": head, "merge_method": method.as_str()});
        let reply = self.send(&Call::put(self.path(&format!("/pulls/{number}/merge")), body)).await?;
        match reply.status {
            StatusCode::CONFLICT if reply.message().contains("Base branch was modified") => {
                Ok(MergeResult::NotMergeableYet(reply.message()))
            }
            StatusCode::CONFLICT => Ok(MergeResult::HeadModified),
            StatusCode::METHOD_NOT_ALLOWED => {
                // The answer is the same sentence for a conflict, a closed one and a rule: look which it is.
                let pull = self.pull(number).await?;
                Ok(match (&pull.state, &pull.mergeability) {
                    (PullState::Merged { .. } | PullState::Closed, _) => MergeResult::HeadModified,
                    (PullState::Open, Mergeability::Conflict) => MergeResult::Conflict,
                    (PullState::Open, _) => MergeResult::NotMergeableYet(reply.message()),
                })
            }
            _ => reply.json::<MergeBody>().map(|body| MergeResult::Merged(body.sha)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: Value) -> PullRequest {
        let sha = "a".repeat(40);
        let mut body = json!({
            "number": 3, "html_url": "https://github.example/acme/app/pull/3", "title": "T", "body": null,
            "state": "open", "merged": false, "merge_commit_sha": "b".repeat(40), "mergeable": null,
            "mergeable_state": "unknown",
            "head": {"ref": "x", "sha": sha, "repo": null},
            "base": {"ref": "main", "sha": sha, "repo": {"full_name": "acme/app"}},
        });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        serde_json::from_value::<PullBody>(body).unwrap().into()
    }

    #[test]
    fn a_test_merge_is_not_a_merge() {
        assert_eq!(read(json!({})).state, PullState::Open);
        assert_eq!(read(json!({"state": "closed"})).state, PullState::Closed);
        let merged = read(json!({"state": "closed", "merged": true}));
        assert_eq!(merged.state, PullState::Merged { sha: Some("b".repeat(40).parse().unwrap()) });
        let listed = read(json!({"state": "closed", "merged": null, "merged_at": "2026-11-22T10:00:00Z"}));
        assert!(matches!(listed.state, PullState::Merged { .. }));
    }

    #[test]
    fn mergeability_follows_both_fields() {
        let of = |mergeable: Option<bool>, state: &str| {
            read(json!({"mergeable": mergeable, "mergeable_state": state})).mergeability
        };
        assert_eq!(of(None, "unknown"), Mergeability::Unknown);
        assert_eq!(of(Some(false), "dirty"), Mergeability::Conflict);
        assert_eq!(of(Some(true), "clean"), Mergeability::Clean);
        assert_eq!(of(Some(true), "unstable"), Mergeability::Clean);
        assert_eq!(of(Some(true), "blocked"), Mergeability::Blocked("blocked".to_owned()));
        assert_eq!(of(Some(true), "behind"), Mergeability::Blocked("behind".to_owned()));
    }
}

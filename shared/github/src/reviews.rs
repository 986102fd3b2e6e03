//! Reviews of pull requests, and comments below them.

use domain::CommitSha;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::GithubError;
use crate::pulls::{PullNumber, User};
use crate::repo::Repo;

/// Pages of 100 that are read.
const MAX_PAGES: u32 = 10;

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Review {
    /// GitHub's number of it.
    pub id: u64,
    /// Who; `None` for a deleted account.
    pub user: Option<User>,
    /// What was said.
    pub state: ReviewState,
    /// Their words.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub body: String,
    /// What the repository's owner has them as: `OWNER`, `MEMBER`, `COLLABORATOR`, `CONTRIBUTOR`, `NONE`, ….
    #[serde(default)]
    pub author_association: String,
    /// The head that was reviewed; `None` when that commit is gone.
    pub commit_id: Option<CommitSha>,
    /// When; `None` while it is not submitted.
    pub submitted_at: Option<Timestamp>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// Approved.
    Approved,
    /// Changes are wanted.
    ChangesRequested,
    /// Only words.
    Commented,
    /// Taken back or overruled.
    Dismissed,
    /// Not submitted.
    Pending,
}

/// A comment on a line, or on a whole file, that belongs to a review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LineComment {
    /// The review that it belongs to.
    #[serde(default, rename = "pull_request_review_id")]
    pub review: Option<u64>,
    /// The file.
    pub path: String,
    /// The line in the file as it is after the change; `None` for a comment on the file or on a line that is gone.
    #[serde(default)]
    pub line: Option<u64>,
    /// The words.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub body: String,
}

/// A comment below a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// GitHub's number of it.
    pub id: u64,
    /// Who.
    pub user: Option<User>,
    /// Their words.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub body: String,
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Repo {
    /// The reviews of a pull request, oldest first.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when there is no such pull request.
    pub async fn reviews(&self, number: PullNumber) -> Result<Vec<Review>, GithubError> {
        self.pages(&format!("/pulls/{number}/reviews"), number).await
    }

    /// What its reviews say about single lines, oldest first. (The list of one review's comments leaves out the lines.)
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when there is no such pull request.
    pub async fn line_comments(&self, number: PullNumber) -> Result<Vec<LineComment>, GithubError> {
        self.pages(&format!("/pulls/{number}/comments"), number).await
    }

    /// The comments below a pull request, oldest first, at most 1,000.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when there is no such pull request.
    pub async fn comments(&self, number: PullNumber) -> Result<Vec<Comment>, GithubError> {
        self.pages(&format!("/issues/{number}/comments"), number).await
    }

    /// Writes a comment below a pull request. When GitHub does not say whether it took it, that is an error and not a
    /// second comment: look with [`Repo::comments`] first when trying again.
    ///
    /// # Errors
    /// Every [`GithubError`].
    pub async fn comment(&self, number: PullNumber, body: &str) -> Result<(), GithubError> {
        let call = Call::post(self.path(&format!("/issues/{number}/comments")), json!({"body": body})).once();
        self.send(&call).await?.json::<Value>().map(|_| ())
    }

    async fn pages<T: serde::de::DeserializeOwned>(&self, path: &str, number: u64) -> Result<Vec<T>, GithubError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let route = format!("{path}?per_page=100&page={page}");
            let items: Vec<T> = self.read(&route, &format!("pull request #{number}")).await?;
            let last = items.len() < 100;
            all.extend(items);
            if last {
                break;
            }
        }
        Ok(all)
    }
}

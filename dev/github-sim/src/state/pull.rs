//! Pull requests, their reviews and comments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::Sha;

/// Open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PullState {
    /// Open.
    Open,
    /// Closed or merged.
    Closed,
}

impl PullState {
    /// The word GitHub uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// A pull request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// Numeric id.
    pub id: u64,
    /// Number within the repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Body in Markdown.
    pub body: Option<String>,
    /// Open or closed.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// Login of the author.
    pub author: String,
    /// Head branch, without `refs/heads/`.
    pub head_ref: String,
    /// Head commit: follows the branch while the pull request is open.
    pub head_sha: Sha,
    /// Base branch.
    pub base_ref: String,
    /// Tip of the base when the head last changed, or just before the merge.
    pub base_sha: Sha,
    /// The merge, once there is one.
    pub merged: Option<Merged>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// Logins that were asked for a review and have not answered.
    pub requested_reviewers: Vec<String>,
    /// Reviews, oldest first.
    pub reviews: Vec<Review>,
    /// Comments on lines, oldest first.
    pub review_comments: Vec<ReviewComment>,
    /// Comments in the conversation, oldest first.
    pub comments: Vec<IssueComment>,
    /// Reads that still answer `mergeable: null`.
    #[serde(default)]
    pub unknown_reads: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything last changed.
    pub updated_at: Timestamp,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
}

/// The outcome of a merge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Merged {
    /// The commit that the base moved to.
    pub sha: Sha,
    /// Login of who merged.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// Approves.
    Approved,
    /// Asks for changes.
    ChangesRequested,
    /// Only comments.
    Commented,
    /// Was dismissed, for example by a later push.
    Dismissed,
    /// Not submitted yet.
    Pending,
}

impl ReviewState {
    /// GitHub's upper-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
            Self::Pending => "PENDING",
        }
    }
}

/// A review.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Review {
    /// Numeric id.
    pub id: u64,
    /// Login of the reviewer.
    pub author: String,
    /// The text.
    pub body: String,
    /// What it says.
    pub state: ReviewState,
    /// The head commit that was reviewed.
    pub commit: Sha,
    /// When it was submitted.
    pub at: Timestamp,
}

/// A comment on a line of the diff.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReviewComment {
    /// Numeric id.
    pub id: u64,
    /// The review it belongs to.
    pub review: u64,
    /// Login of the author.
    pub author: String,
    /// The file.
    pub path: String,
    /// The line in the new file.
    pub line: Option<u64>,
    /// The text.
    pub body: String,
    /// The head commit it was made on.
    pub commit: Sha,
    /// The hunk it stands in.
    pub diff_hunk: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A comment in the conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IssueComment {
    /// Numeric id.
    pub id: u64,
    /// Login of the author.
    pub author: String,
    /// The text.
    pub body: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A label.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Label {
    /// Numeric id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
}

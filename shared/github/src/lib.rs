//! GitHub behind our own types.
//!
//! [`Host`] is one GitHub (github.com or an Enterprise server), [`Github`] is that host with a credential, and
//! [`Repo`] is one repository of it. Every call waits for rate limits and repeats itself after a passing fault, within
//! the bounds of a [`RetryPolicy`]; what is left is a typed [`GithubError`]. No type of the HTTP client or of octocrab
//! appears in this interface, and neither tokens nor bodies reach a log.

mod app;
mod call;
mod checks;
mod compare;
mod error;
mod git;
mod host;
mod object;
mod pulls;
mod renewal;
mod repo;
mod retry;
mod reviews;
mod snapshot;
mod transport;
mod tree;

pub use app::{Access, App, MintedToken, TokenGrant};
pub use checks::{CheckSummary, Checks};
pub use compare::{Comparison, ComparisonStatus};
pub use error::GithubError;
pub use git::{Blob, Commit, CreatedRef, Identity, NewCommit, NewTreeEntry, UpdatedRef};
pub use host::{DEFAULT_API_URL, Github, Host};
pub use object::blob_id;
pub use pulls::{
    CreatedPull, MergeMethod, MergeResult, Mergeability, NewPull, PullNumber, PullRequest, PullState, User,
};
pub use repo::{Repo, RepoSettings};
pub use retry::RetryPolicy;
pub use reviews::{Comment, LineComment, Review, ReviewState};
pub use snapshot::{Snapshot, SnapshotFile, SnapshotLimits};
pub use tree::{EntryKind, Tree, TreeEntry};

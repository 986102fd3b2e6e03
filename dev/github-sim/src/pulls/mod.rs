//! What happens to pull requests: opened, changed, reviewed, merged, and what GitHub computes about them.

mod facts;
mod lifecycle;
mod merge;
mod review;

pub(crate) use self::facts::Facts;
pub(crate) use self::facts::FactsCache;
pub(crate) use self::lifecycle::{Edit, NewPull, after_delete, after_push, edit, open, request_reviewers};
pub use self::merge::MergeMethod;
pub(crate) use self::merge::{MergeRequest, merge};
pub(crate) use self::review::{NewReview, NewReviewComment, add_comment, add_labels, submit};

use crate::error::{ApiError, ApiResult};
use crate::names::RepoName;
use crate::sim::Sim;
use crate::state::{Pull, Repo};

impl Sim {
    /// A copy of the repository's state.
    ///
    /// # Errors
    /// 404 when there is none of this name.
    pub(crate) fn repo(&self, name: &RepoName) -> ApiResult<Repo> {
        self.store.read(|s| s.repo(name).cloned()).ok_or_else(ApiError::not_found)
    }

    /// Copies of a pull request and its repository.
    ///
    /// # Errors
    /// 404 when there is none of this number.
    pub(crate) fn pull(&self, name: &RepoName, number: u64) -> ApiResult<(Repo, Pull)> {
        let repo = self.repo(name)?;
        let pull = repo.pulls.get(&number).cloned().ok_or_else(ApiError::not_found)?;
        Ok((repo, pull))
    }

    /// Changes a pull request and marks it as updated now.
    ///
    /// # Errors
    /// 404 when there is none of this number.
    pub(crate) fn change_pull<R>(
        &self,
        name: &RepoName,
        number: u64,
        change: impl FnOnce(&mut Pull) -> R,
    ) -> ApiResult<R> {
        let now = self.clock.now();
        self.store.write(|state| {
            let pull = state.repo_mut(name).and_then(|r| r.pulls.get_mut(&number)).ok_or_else(ApiError::not_found)?;
            pull.updated_at = now;
            Ok(change(pull))
        })
    }
}

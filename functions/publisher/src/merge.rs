//! Merging the reviewed head, and no other.

use domain::CommitSha;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::secrets::KnownSecrets;
use domain::workflow::PullRequestRef;
use github::{MergeMethod, MergeResult, Mergeability, PullRequest, PullState, Repo, RepoSettings};

use crate::outgoing::Outgoing;
use crate::publish::foreign;
use crate::text::{waiting_comment, waiting_marker};

/// How often we look again when the pull request changes while it is being merged.
const MAX_ROUNDS: usize = 3;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The reviewed head is merged, by us or by somebody else.
    Merged(CommitSha),
    /// It does not merge with its base as that is now; in words for the agent.
    Conflict(String),
    /// A rule stands in the way for now; in words for people.
    Waiting(String),
    /// It is closed, or something else than the reviewed head was merged; in words for people.
    Closed(String),
}

/// Merges the pull request if its head is still the reviewed one. Doing it again changes nothing.
///
/// # Errors
/// `GithubRefused` when the branch has a commit that was not reviewed, or we may not merge at all; what GitHub
/// answered.
pub async fn merge(repo: &Repo, reviewed: &PullRequestRef) -> Result<Outcome, Failure> {
    for _ in 0..MAX_ROUNDS {
        let pull = repo.pull(reviewed.number).await?;
        if let Some(outcome) = settled(repo, &pull, reviewed).await? {
            return Ok(outcome);
        }
        let method = method(&repo.settings().await?);
        match repo.merge_pull(reviewed.number, &reviewed.head_sha, method).await? {
            MergeResult::Merged(sha) => return Ok(Outcome::Merged(sha)),
            MergeResult::Conflict => {
                let base = repo.branch_head(&pull.base_branch).await?;
                return Ok(Outcome::Conflict(format!(
                    "The change conflicts with `{}`, which is at {base} now.",
                    pull.base_branch
                )));
            }
            MergeResult::NotMergeableYet(reason) => return not_yet(repo, reviewed, &reason).await,
            MergeResult::HeadModified => {}
        }
    }
    Err(Failure::new(
        FailureKind::Contention,
        format!("the pull request #{} changed again and again while it was being merged", reviewed.number),
    ))
}

/// The outcome for a pull request that is no longer open; an error for one with a head that nobody reviewed.
async fn settled(repo: &Repo, pull: &PullRequest, reviewed: &PullRequestRef) -> Result<Option<Outcome>, Failure> {
    let is_reviewed = pull.head_sha == reviewed.head_sha;
    Ok(match &pull.state {
        PullState::Open if is_reviewed => None,
        PullState::Open => return Err(foreign(&reviewed.branch, &pull.head_sha)),
        PullState::Merged { sha } if is_reviewed => Some(Outcome::Merged(match sha {
            Some(sha) => sha.clone(),
            None => repo.branch_head(&pull.base_branch).await?,
        })),
        PullState::Merged { .. } => Some(Outcome::Closed(format!(
            "Pull request #{} was merged on GitHub with the head {}, but {} is what was tested and reviewed here.",
            pull.number, pull.head_sha, reviewed.head_sha
        ))),
        PullState::Closed => {
            let by = pull.closed_by.as_ref().map_or(String::new(), |user| format!(" by {}", user.login));
            Some(Outcome::Closed(format!("Pull request #{} was closed on GitHub{by}.", pull.number)))
        }
    })
}

/// The first way of merging that the repository allows; a merge commit keeps the reviewed commit as it is.
fn method(settings: &RepoSettings) -> MergeMethod {
    let allowed = [
        (settings.allow_merge_commit, MergeMethod::Merge),
        (settings.allow_squash_merge, MergeMethod::Squash),
        (settings.allow_rebase_merge, MergeMethod::Rebase),
    ];
    // What we may not know is tried first: GitHub says so if it is not allowed.
    allowed.into_iter().find(|(flag, _)| *flag != Some(false)).map_or(MergeMethod::Merge, |(_, method)| method)
}

/// A rule stands in the way: either the head must contain the base's tip, which takes a new round, or somebody has to
/// act.
async fn not_yet(repo: &Repo, reviewed: &PullRequestRef, words: &str) -> Result<Outcome, Failure> {
    let pull = repo.pull(reviewed.number).await?;
    if pull.mergeability == Mergeability::Blocked("behind".to_owned()) {
        return Ok(Outcome::Conflict(format!(
            "The rules of `{}` want the branch to be up to date with it, and it has moved.",
            pull.base_branch
        )));
    }
    let checks = repo.checks(&reviewed.head_sha).await?;
    let mut reason = format!("GitHub says: {words}");
    for (what, names) in [("Failed checks", &checks.failed), ("Checks that have not ended", &checks.pending)] {
        if !names.is_empty() {
            reason = format!("{reason}\n{what}: {}.", names.join(", "));
        }
    }
    Ok(Outcome::Waiting(reason))
}

/// Says once for each head below the pull request who has to act.
///
/// # Errors
/// What GitHub answered.
pub async fn say_waiting(
    repo: &Repo,
    workflow: &WorkflowId,
    reviewed: &PullRequestRef,
    reason: &str,
    known: &KnownSecrets,
) -> Result<(), Failure> {
    let marker = waiting_marker(workflow, &reviewed.head_sha);
    let comments = repo.comments(reviewed.number).await?;
    if comments.iter().any(|comment| comment.body.contains(&marker)) {
        return Ok(());
    }
    let text = Outgoing::check("comment", waiting_comment(workflow, &reviewed.head_sha, reason), known)?;
    Ok(repo.comment(reviewed.number, text.as_str()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_commit_is_preferred_and_what_is_forbidden_is_not_tried() {
        let of = |merge, squash, rebase| {
            method(&RepoSettings {
                id: 1,
                full_name: "acme/web".to_owned(),
                default_branch: "main".to_owned(),
                private: true,
                archived: false,
                allow_merge_commit: merge,
                allow_squash_merge: squash,
                allow_rebase_merge: rebase,
            })
        };
        assert_eq!(of(None, None, None), MergeMethod::Merge);
        assert_eq!(of(Some(true), Some(true), Some(true)), MergeMethod::Merge);
        assert_eq!(of(Some(false), Some(true), Some(true)), MergeMethod::Squash);
        assert_eq!(of(Some(false), Some(false), Some(true)), MergeMethod::Rebase);
    }
}

//! Closing a pull request, with a word about why.

use domain::CommitSha;
use domain::failure::Failure;
use domain::ids::WorkflowId;
use domain::secrets::KnownSecrets;
use domain::workflow::PullRequestRef;
use github::{PullState, Repo};

use crate::outgoing::Outgoing;
use crate::text::{close_comment, closed_marker};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is closed, by us or by somebody else.
    Closed,
    /// Somebody merged the reviewed head before we came.
    Merged(CommitSha),
}

/// Closes the pull request with a comment and removes its branch, if that has nothing but our commits. Doing it again
/// changes nothing.
///
/// # Errors
/// What GitHub answered.
pub async fn close(
    repo: &Repo,
    workflow: &WorkflowId,
    published: &PullRequestRef,
    reason: &str,
    public_base_url: &str,
    known: &KnownSecrets,
) -> Result<Outcome, Failure> {
    let pull = repo.pull(published.number).await?;
    let ours = pull.head_sha == published.head_sha;
    match pull.state {
        PullState::Merged { sha: Some(sha) } if ours => return Ok(Outcome::Merged(sha)),
        PullState::Merged { .. } => return Ok(Outcome::Closed),
        PullState::Open => {
            say_why(repo, workflow, published, reason, public_base_url, known).await?;
            repo.close_pull(published.number).await?;
        }
        PullState::Closed => {}
    }
    // A branch with somebody else's commit stays: it may be the only place where that commit is.
    if repo.branch(&published.branch).await?.as_ref() == Some(&published.head_sha) {
        repo.delete_branch(&published.branch).await?;
    }
    Ok(Outcome::Closed)
}

async fn say_why(
    repo: &Repo,
    workflow: &WorkflowId,
    published: &PullRequestRef,
    reason: &str,
    public_base_url: &str,
    known: &KnownSecrets,
) -> Result<(), Failure> {
    let marker = closed_marker(workflow);
    if repo.comments(published.number).await?.iter().any(|comment| comment.body.contains(&marker)) {
        return Ok(());
    }
    // A reason that may not be told must not keep the pull request open.
    let text = Outgoing::check("comment", close_comment(workflow, reason, public_base_url), known).or_else(|_| {
        let text = close_comment(workflow, "The reason is on the ticket's page.", public_base_url);
        Outgoing::check("comment", text, known)
    })?;
    Ok(repo.comment(published.number, text.as_str()).await?)
}

//! Verified change set → commit → branch → pull request, on GitHub.

use std::time::Duration;

use domain::budget::Ledger;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::qa::QaReport;
use domain::secrets::KnownSecrets;
use domain::spec::Spec;
use domain::verify::VerifiedChangeSet;
use domain::workflow::{PullRequestRef, TicketSummary};
use domain::{CommitSha, Timestamp};
use github::{
    Commit, ComparisonStatus, CreatedPull, CreatedRef, Identity, NewCommit, NewPull, PullRequest, PullState, Repo,
    Tree, UpdatedRef,
};

use crate::change::{file_rows, store_tree};
use crate::outgoing::Outgoing;
use crate::text::{BodyFacts, branch_name, commit_message, is_ours, names_us, pull_body, pull_title};

/// How often the branch or the pull request is looked at again when somebody else was faster.
const MAX_ROUNDS: usize = 4;
/// How often a pull request is read until GitHub has noticed its new head.
const MAX_READS: u32 = 5;
/// The pause between those.
const READ_PAUSE: Duration = Duration::from_millis(400);

/// Who our commits are by.
const AUTHOR: (&str, &str) = ("pi-tickets[bot]", "pi-tickets[bot]@users.noreply.github.com");

/// What is published.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// The workflow.
    pub workflow: &'a WorkflowId,
    /// The ticket.
    pub ticket: &'a TicketSummary,
    /// The approved SPEC.
    pub spec: &'a Spec,
    /// The tree below the change.
    pub base: &'a Tree,
    /// The change.
    pub changes: &'a VerifiedChangeSet,
    /// What the quality gates said about it.
    pub qa: &'a QaReport,
    /// How many connections the agent's sandbox did not let through.
    pub refused_connections: u64,
    /// What the ticket cost so far.
    pub ledger: &'a Ledger,
    /// How many rounds of review there were.
    pub review_rounds: u32,
    /// The pull request of an earlier round.
    pub previous: Option<&'a PullRequestRef>,
    /// The date of the commit; the same for every try, so that a repeat makes the same commit.
    pub date: Timestamp,
    /// Where our own pages are; no slash at the end.
    pub public_base_url: &'a str,
    /// What must not be in any text.
    pub known: &'a KnownSecrets,
}

/// A pull request whose head is what was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// Its head.
    pub head_sha: CommitSha,
    /// The head's tree.
    pub tree_sha: CommitSha,
}

/// Every text of a publication, checked.
struct Texts {
    branch: Outgoing,
    message: Outgoing,
    title: Outgoing,
    body: Outgoing,
}

/// Brings the change to GitHub: afterwards there is one branch and one open pull request whose head has exactly the
/// verified tree. Doing it again, after any crash, changes nothing more.
///
/// # Errors
/// `GithubRefused` when the branch has a commit that is not ours, the pull request was closed, or a rule forbids it;
/// `InvalidInput` when a text seems to hold a credential; what GitHub answered.
pub async fn publish(repo: &Repo, publication: &Publication<'_>) -> Result<Published, Failure> {
    if let Some(previous) = publication.previous {
        still_open(repo.pull(previous.number).await?)?;
    }
    let texts = texts(repo, publication).await?;
    let tree = store_tree(repo, publication.base, publication.changes).await?;
    let head = converge_branch(repo, publication, &texts, &tree).await?;
    let pull = converge_pull(repo, publication, &texts).await?;
    let pull = wait_for_head(repo, pull, &head).await?;
    Ok(Published {
        number: pull.number,
        url: pull.url,
        branch: texts.branch.as_str().to_owned(),
        head_sha: head,
        tree_sha: tree,
    })
}

async fn texts(repo: &Repo, publication: &Publication<'_>) -> Result<Texts, Failure> {
    let Publication { workflow, ticket, spec, changes, known, .. } = publication;
    let files = file_rows(repo, publication.base, changes).await?;
    let title = &spec.text.title;
    let facts = BodyFacts {
        workflow,
        ticket,
        spec,
        spec_digest: changes.spec_digest(),
        base: changes.base_commit(),
        files: &files,
        qa: publication.qa,
        refused_connections: publication.refused_connections,
        ledger: publication.ledger,
        attempt: changes.attempt(),
        review_rounds: publication.review_rounds,
        public_base_url: publication.public_base_url,
    };
    let message = commit_message(title, &ticket.key, changes.spec_digest(), workflow, changes.attempt());
    Ok(Texts {
        branch: Outgoing::check("branch's name", branch_name(&ticket.key, workflow), known)?,
        message: Outgoing::check("commit's message", message, known)?,
        title: Outgoing::check("pull request's title", pull_title(title, &ticket.key), known)?,
        body: Outgoing::check("pull request's text", pull_body(&facts), known)?,
    })
}

/// The branch, with a head of ours that has this tree and follows from the base.
async fn converge_branch(
    repo: &Repo,
    publication: &Publication<'_>,
    texts: &Texts,
    tree: &CommitSha,
) -> Result<CommitSha, Failure> {
    let branch = texts.branch.as_str();
    let base = publication.changes.base_commit();
    for _ in 0..MAX_ROUNDS {
        let Some(head) = repo.branch(branch).await? else {
            let commit = commit(repo, publication, texts, tree, vec![base.clone()]).await?;
            if repo.create_branch(branch, &commit.sha).await? == CreatedRef::Created {
                return Ok(commit.sha);
            }
            continue;
        };
        let there = repo.commit(&head).await?;
        let recorded = publication.previous.is_some_and(|previous| previous.head_sha == head);
        if !recorded && !is_ours(&there.message, publication.workflow) {
            return Err(foreign(branch, &head));
        }
        let follows = follows(repo, base, &head).await?;
        if there.tree == *tree && follows {
            return Ok(head);
        }
        let mut parents = vec![head];
        if !follows {
            parents.push(base.clone());
        }
        let commit = commit(repo, publication, texts, tree, parents).await?;
        if repo.advance_branch(branch, &commit.sha).await? == UpdatedRef::Updated {
            return Ok(commit.sha);
        }
    }
    Err(Failure::new(
        FailureKind::Contention,
        format!("the branch {branch} changed again and again while we wrote to it"),
    ))
}

/// Whether `head` has `base` in its history.
async fn follows(repo: &Repo, base: &CommitSha, head: &CommitSha) -> Result<bool, Failure> {
    let status = repo.compare(base, head).await?.status;
    Ok(matches!(status, ComparisonStatus::Ahead | ComparisonStatus::Identical))
}

async fn commit(
    repo: &Repo,
    publication: &Publication<'_>,
    texts: &Texts,
    tree: &CommitSha,
    parents: Vec<CommitSha>,
) -> Result<Commit, Failure> {
    let new = NewCommit {
        message: texts.message.as_str().to_owned(),
        tree: tree.clone(),
        parents,
        author: Identity { name: AUTHOR.0.to_owned(), email: AUTHOR.1.to_owned() },
        date: publication.date,
    };
    let made = repo.create_commit(&new).await?;
    if made.tree == new.tree && made.parents == new.parents {
        return Ok(made);
    }
    Err(Failure::new(FailureKind::Inconsistent, "GitHub stored another commit than the one it was given".to_owned()))
}

/// The failure for a branch with somebody else's commit.
pub(crate) fn foreign(branch: &str, sha: &CommitSha) -> Failure {
    Failure::new(
        FailureKind::GithubRefused,
        format!(
            "the branch {branch} has the commit {sha}, which is not ours; we never overwrite or build on somebody else's \
             work. Take the commit to another branch (or finish the pull request by hand), then retry"
        ),
    )
}

/// The open pull request of the branch, with our title and text.
async fn converge_pull(repo: &Repo, publication: &Publication<'_>, texts: &Texts) -> Result<PullRequest, Failure> {
    let (title, body) = (texts.title.as_str(), texts.body.as_str());
    for _ in 0..MAX_ROUNDS {
        let pull = match publication.previous {
            Some(previous) => Some(still_open(repo.pull(previous.number).await?)?),
            None => find_open(repo, publication, texts).await?,
        };
        if let Some(pull) = pull {
            if pull.title == title && pull.body.trim_end() == body.trim_end() {
                return Ok(pull);
            }
            return Ok(repo.edit_pull(pull.number, title, body).await?);
        }
        let new = NewPull {
            title: title.to_owned(),
            body: body.to_owned(),
            head: texts.branch.as_str().to_owned(),
            base: publication.ticket.base_branch.clone(),
        };
        if let CreatedPull::Created(pull) = repo.create_pull(&new).await? {
            return Ok(*pull);
        }
    }
    let branch = &texts.branch;
    Err(Failure::new(
        FailureKind::Transient,
        format!("GitHub says that there is a pull request from {branch}, but does not list it yet"),
    ))
}

async fn find_open(repo: &Repo, publication: &Publication<'_>, texts: &Texts) -> Result<Option<PullRequest>, Failure> {
    let pulls = repo.pulls_from(texts.branch.as_str()).await?;
    let base = &publication.ticket.base_branch;
    let Some(open) = pulls.into_iter().find(|pull| pull.state == PullState::Open && pull.base_branch == *base) else {
        return Ok(None);
    };
    if names_us(&open.body, publication.workflow) {
        return Ok(Some(open));
    }
    Err(Failure::new(
        FailureKind::GithubRefused,
        format!("somebody else opened the pull request #{} from our branch; close it, then retry", open.number),
    ))
}

fn still_open(pull: PullRequest) -> Result<PullRequest, Failure> {
    if pull.state == PullState::Open {
        return Ok(pull);
    }
    let done = if pull.state == PullState::Closed { "closed" } else { "merged" };
    Err(Failure::new(
        FailureKind::GithubRefused,
        format!(
            "the pull request #{} was {done} on GitHub while the change was worked on again; the new change is not in it",
            pull.number
        ),
    ))
}

/// GitHub notices a new head of a branch a moment later.
async fn wait_for_head(repo: &Repo, mut pull: PullRequest, head: &CommitSha) -> Result<PullRequest, Failure> {
    for _ in 0..MAX_READS {
        pull = repo.pull(pull.number).await?;
        if pull.head_sha == *head && pull.state == PullState::Open {
            return Ok(pull);
        }
        tokio::time::sleep(READ_PAUSE).await;
    }
    Err(Failure::new(
        FailureKind::Transient,
        format!("the pull request #{} does not have its new head {head} yet, but {}", pull.number, pull.head_sha),
    ))
}

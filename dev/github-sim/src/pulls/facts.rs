//! What GitHub computes about a pull request: size, mergeability, and what stands in the way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::checks;
use crate::error::ApiResult;
use crate::git::{Git, Identity, LogFilter, MergeOutcome, NewCommit};
use crate::names::{RepoName, Sha};
use crate::sim::Sim;
use crate::state::{Protection, Pull, PullState, Repo, ReviewState, Role};

/// The computed side of a pull request.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Whether it merges without conflict; `None`: not computed (yet).
    pub mergeable: Option<bool>,
    /// `clean`, `dirty`, `blocked`, `behind`, `unstable`, `draft` or `unknown`.
    pub state: &'static str,
    /// The trial merge commit of an open pull request.
    pub test_merge: Option<Sha>,
    /// Paths that conflict.
    pub conflicts: Vec<String>,
    /// Why protection refuses the merge, in GitHub's words.
    pub blocked_by: Vec<String>,
    /// Whether the base has commits that the head lacks.
    pub behind: bool,
    /// The common ancestor of base and head: diffs start there.
    pub merge_base: Option<Sha>,
    /// Commits.
    pub commits: usize,
    /// Added lines.
    pub additions: u64,
    /// Removed lines.
    pub deletions: u64,
    /// Changed files.
    pub changed_files: usize,
}

impl Facts {
    /// The same while mergeability is being computed, as right after a change.
    #[must_use]
    pub(crate) fn not_computed(mut self) -> Self {
        self.mergeable = None;
        self.state = "unknown";
        self.test_merge = None;
        self
    }
}

/// Results by repository, base and head.
#[derive(Debug, Default)]
pub(crate) struct FactsCache(Mutex<HashMap<(String, Sha, Sha), Arc<Computed>>>);

/// The part that depends on the two commits only.
#[derive(Debug)]
struct Computed {
    merge: MergeOutcome,
    test_merge: Option<Sha>,
    merge_base: Option<Sha>,
    behind: bool,
    commits: usize,
    additions: u64,
    deletions: u64,
    changed_files: usize,
}

impl Sim {
    /// Computes (or remembers) the facts of a pull request against the base branch as it is now.
    ///
    /// # Errors
    /// 500 when Git fails.
    pub(crate) async fn facts(&self, repo: &Repo, pull: &Pull) -> ApiResult<Facts> {
        let git = self.git.repo(&repo.name);
        let open = pull.state == PullState::Open;
        let tip = if open { git.branch(&pull.base_ref).await? } else { None };
        let base = tip.unwrap_or_else(|| pull.base_sha.clone());
        let computed = self.computed(&git, &repo.name, &base, &pull.head_sha).await?;
        let blocked_by = blocks(self, repo, pull);
        let strict = repo.protections.get(&pull.base_ref).is_some_and(|p| p.strict);
        let conflicts = match &computed.merge {
            MergeOutcome::Clean(_) => Vec::new(),
            MergeOutcome::Conflict(paths) => paths.clone(),
        };
        let clean = matches!(computed.merge, MergeOutcome::Clean(_));
        let state = match () {
            () if !open => "unknown",
            () if !clean => "dirty",
            () if pull.draft => "draft",
            () if !blocked_by.is_empty() => "blocked",
            () if strict && computed.behind => "behind",
            () if checks::unstable(repo, &pull.head_sha) => "unstable",
            () => "clean",
        };
        Ok(Facts {
            mergeable: open.then_some(clean),
            state,
            test_merge: computed.test_merge.clone().filter(|_| open),
            conflicts,
            blocked_by,
            behind: computed.behind,
            merge_base: computed.merge_base.clone(),
            commits: computed.commits,
            additions: computed.additions,
            deletions: computed.deletions,
            changed_files: computed.changed_files,
        })
    }

    async fn computed(&self, git: &Git, repo: &RepoName, base: &Sha, head: &Sha) -> ApiResult<Arc<Computed>> {
        let key = (repo.key(), base.clone(), head.clone());
        let known = self.facts.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let merge = git.merge_trees(base, head).await?;
        let merge_base = git.merge_base(base, head).await?;
        let from = merge_base.as_ref().unwrap_or(base);
        let files = git.diff(from.as_str(), head.as_str()).await?;
        let test_merge = match &merge {
            MergeOutcome::Clean(tree) => Some(git.write_commit(&self.test_merge(tree.clone(), base, head)).await?),
            MergeOutcome::Conflict(_) => None,
        };
        let computed = Arc::new(Computed {
            behind: merge_base.as_ref() != Some(base),
            commits: git.log(head, Some(base), &LogFilter::default()).await?.len(),
            additions: files.iter().map(|f| f.additions).sum(),
            deletions: files.iter().map(|f| f.deletions).sum(),
            changed_files: files.len(),
            merge,
            test_merge,
            merge_base,
        });
        self.facts.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&computed));
        Ok(computed)
    }

    fn test_merge(&self, tree: Sha, base: &Sha, head: &Sha) -> NewCommit {
        let github = self.github_identity();
        NewCommit {
            tree,
            parents: vec![base.clone(), head.clone()],
            author: github.clone(),
            committer: github,
            message: format!("Merge {head} into {base}"),
            signature: None,
        }
    }

    /// The identity of commits that GitHub itself makes.
    pub(crate) fn github_identity(&self) -> Identity {
        Identity { name: "GitHub".to_owned(), email: "noreply@github.com".to_owned(), date: self.clock.now() }
    }
}

/// Why the base branch's protection refuses the merge.
fn blocks(sim: &Sim, repo: &Repo, pull: &Pull) -> Vec<String> {
    let Some(rules) = repo.protections.get(&pull.base_ref) else { return Vec::new() };
    let mut reasons = missing_checks(repo, pull, rules);
    if rules.required_approvals > 0 {
        let (approvals, objections) = verdicts(sim, repo, pull);
        if objections > 0 {
            reasons.push("Changes have been requested.".to_owned());
        }
        if approvals < rules.required_approvals {
            let needed = rules.required_approvals;
            let plural = if needed == 1 { "review is" } else { "reviews are" };
            reasons.push(format!("At least {needed} approving {plural} required by reviewers with write access."));
        }
    }
    reasons
}

fn missing_checks(repo: &Repo, pull: &Pull, rules: &Protection) -> Vec<String> {
    let open: Vec<_> = rules
        .required_checks
        .iter()
        .filter_map(|name| match checks::verdict(repo, &pull.head_sha, name) {
            Some(true) => None,
            Some(false) => Some(format!("Required status check \"{name}\" is failing or still running.")),
            None => Some(format!("Required status check \"{name}\" is expected.")),
        })
        .collect();
    let (missing, total) = (open.len(), rules.required_checks.len());
    match open.as_slice() {
        [] | [_] => open,
        _ => vec![format!("{missing} of {total} required status checks have not succeeded: {}", open.join(" "))],
    }
}

/// Approvals and objections of people with write access, each by their latest opinion.
fn verdicts(sim: &Sim, repo: &Repo, pull: &Pull) -> (u32, u32) {
    let mut latest: HashMap<String, ReviewState> = HashMap::new();
    for review in &pull.reviews {
        let counts =
            matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed);
        let writer = sim.role(&repo.name, &review.author).is_some_and(|role| role >= Role::Write);
        if counts && writer {
            latest.insert(review.author.to_ascii_lowercase(), review.state);
        }
    }
    let count = |wanted| u32::try_from(latest.values().filter(|s| **s == wanted).count()).unwrap_or(u32::MAX);
    (count(ReviewState::Approved), count(ReviewState::ChangesRequested))
}

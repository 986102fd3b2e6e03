//! What continuous integration says about a commit.

use std::collections::BTreeMap;

use domain::CommitSha;
use serde::Deserialize;

use crate::error::GithubError;
use crate::repo::Repo;

/// Pages of 100 that are read.
const MAX_PAGES: u32 = 10;

/// Check runs and commit statuses of one commit, each by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Not finished.
    pub pending: Vec<String>,
    /// Finished and not good.
    pub failed: Vec<String>,
    /// Finished and good, skipped or neutral.
    pub passed: Vec<String>,
}

/// All of them in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckSummary {
    /// There are none.
    None,
    /// At least one failed.
    Failed,
    /// None failed, at least one is not finished.
    Pending,
    /// All passed.
    Passed,
}

impl Checks {
    /// All of them in one word.
    pub fn summary(&self) -> CheckSummary {
        match (self.failed.is_empty(), self.pending.is_empty(), self.passed.is_empty()) {
            (false, _, _) => CheckSummary::Failed,
            (true, false, _) => CheckSummary::Pending,
            (true, true, false) => CheckSummary::Passed,
            (true, true, true) => CheckSummary::None,
        }
    }

    fn from_states(states: BTreeMap<String, State>) -> Self {
        let mut checks = Self::default();
        for (name, state) in states {
            match state {
                State::Pending => checks.pending.push(name),
                State::Failed => checks.failed.push(name),
                State::Passed => checks.passed.push(name),
            }
        }
        checks
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Passed,
    Pending,
    Failed,
}

#[derive(Deserialize)]
struct RunsBody {
    check_runs: Vec<RunBody>,
}

#[derive(Deserialize)]
struct RunBody {
    name: String,
    status: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct StatusesBody {
    statuses: Vec<StatusBody>,
}

#[derive(Deserialize)]
struct StatusBody {
    context: String,
    state: String,
}

impl RunBody {
    fn state(&self) -> State {
        match (self.status.as_str(), self.conclusion.as_deref()) {
            ("completed", Some("success" | "neutral" | "skipped")) => State::Passed,
            ("completed", _) => State::Failed,
            _ => State::Pending,
        }
    }
}

impl StatusBody {
    fn state(&self) -> State {
        match self.state.as_str() {
            "success" => State::Passed,
            "pending" => State::Pending,
            _ => State::Failed,
        }
    }
}

impl Repo {
    /// The latest check runs and statuses of a commit.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] when the repository does not have the commit.
    pub async fn checks(&self, sha: &CommitSha) -> Result<Checks, GithubError> {
        let mut states = BTreeMap::new();
        let mut put = |name: String, state: State| {
            // Two checks of one name: the worse one counts.
            let entry = states.entry(name).or_insert(state);
            *entry = (*entry).max(state);
        };
        let what = format!("commit {sha}");
        for page in 1..=MAX_PAGES {
            let route = format!("/commits/{sha}/check-runs?filter=latest&per_page=100&page={page}");
            let body: RunsBody = self.read(&route, &what).await?;
            let last = body.check_runs.len() < 100;
            body.check_runs.into_iter().for_each(|run| put(run.name.clone(), run.state()));
            if last {
                break;
            }
        }
        for page in 1..=MAX_PAGES {
            let route = format!("/commits/{sha}/status?per_page=100&page={page}");
            let body: StatusesBody = self.read(&route, &what).await?;
            let last = body.statuses.len() < 100;
            body.statuses.into_iter().for_each(|status| put(status.context.clone(), status.state()));
            if last {
                break;
            }
        }
        Ok(Checks::from_states(states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_github_documents_them() {
        let run = |status: &str, conclusion: Option<&str>| {
            RunBody { name: String::new(), status: status.to_owned(), conclusion: conclusion.map(str::to_owned) }
                .state()
        };
        assert_eq!(run("completed", Some("success")), State::Passed);
        assert_eq!(run("completed", Some("skipped")), State::Passed);
        assert_eq!(run("completed", Some("action_required")), State::Failed);
        assert_eq!(run("completed", None), State::Failed);
        assert_eq!(run("in_progress", None), State::Pending);
        let status = |state: &str| StatusBody { context: String::new(), state: state.to_owned() }.state();
        assert_eq!(status("success"), State::Passed);
        assert_eq!(status("pending"), State::Pending);
        assert_eq!(status("error"), State::Failed);
    }

    #[test]
    fn the_worst_decides() {
        let summary = |states: &[(&str, State)]| {
            Checks::from_states(states.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()).summary()
        };
        assert_eq!(summary(&[]), CheckSummary::None);
        assert_eq!(summary(&[("a", State::Passed)]), CheckSummary::Passed);
        assert_eq!(summary(&[("a", State::Passed), ("b", State::Pending)]), CheckSummary::Pending);
        assert_eq!(summary(&[("a", State::Failed), ("b", State::Pending)]), CheckSummary::Failed);
    }
}

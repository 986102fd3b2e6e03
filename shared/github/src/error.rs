//! What can go wrong with a call, and what kind of failure that is for a workflow.

use domain::Repository;
use domain::failure::{Failure, FailureKind};
use jiff::Timestamp;

/// Why a call did not give what was asked for. No text holds a token or a body of ours.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// Address, token or key cannot be used at all.
    #[error("the GitHub client cannot be set up: {0}")]
    Setup(String),
    /// The repository does not exist, or our credential does not see it: GitHub answers the same for both.
    #[error("the repository {repository} does not exist on GitHub, or we have no access to it")]
    RepositoryNotFound {
        /// Which.
        repository: Repository,
    },
    /// The repository is there, but not what was asked for in it.
    #[error("{repository} has no {what}")]
    NotFound {
        /// Where.
        repository: Repository,
        /// What, such as "branch `main`".
        what: String,
    },
    /// The credential is unknown, revoked or expired.
    #[error("GitHub did not accept our credential for {call}; a new one is needed")]
    Unauthorized {
        /// Method and route.
        call: String,
    },
    /// No token could be had from where they come from.
    #[error("no token for GitHub could be had")]
    Token(#[source] Failure),
    /// A rate limit that ends later than we wait.
    #[error("GitHub's rate limit stopped {call}{}", .resets_at.map(|at| format!(" until {at}")).unwrap_or_default())]
    RateLimited {
        /// Method and route.
        call: String,
        /// When the limit ends, where GitHub said so.
        resets_at: Option<Timestamp>,
    },
    /// No usable answer, after every try.
    #[error("GitHub did not answer {call}: {reason}")]
    Unavailable {
        /// Method and route.
        call: String,
        /// The last try's status or connection error.
        reason: String,
    },
    /// GitHub said no, for a reason that a repeat does not mend.
    #[error("GitHub refused {call} ({status}): {message}")]
    Refused {
        /// Method and route.
        call: String,
        /// The HTTP status.
        status: u16,
        /// GitHub's own words.
        message: String,
    },
    /// The repository was renamed or moved.
    #[error("the repository {repository} was moved on GitHub; use its new name")]
    Moved {
        /// Its old name.
        repository: Repository,
    },
    /// Larger than this deployment reads.
    #[error("{what} is larger than the limit of {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// How much is allowed, with its unit.
        limit: String,
    },
    /// An answer that GitHub's documentation does not know.
    #[error("GitHub's answer to {call} could not be understood: {reason}")]
    Unexpected {
        /// Method and route.
        call: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl GithubError {
    /// The kind of failure that this is for a workflow.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::RepositoryNotFound { .. } | Self::Moved { .. } => FailureKind::RepositoryUnavailable,
            Self::NotFound { .. } | Self::TooLarge { .. } => FailureKind::InvalidInput,
            Self::Token(failure) => failure.kind,
            // Not a token's end, as another one was fetched already: GitHub may have trouble with its tokens.
            Self::Unauthorized { .. } | Self::RateLimited { .. } | Self::Unavailable { .. } => FailureKind::Transient,
            Self::Refused { .. } => FailureKind::GithubRefused,
            Self::Setup(_) | Self::Unexpected { .. } => FailureKind::Internal,
        }
    }
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        match error {
            GithubError::Token(failure) => failure,
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_the_kind_that_the_workflow_acts_on() {
        let call = || "GET /x".to_owned();
        let repository: Repository = "acme/app".parse().unwrap();
        let kind = |error: GithubError| Failure::from(error).kind;
        assert_eq!(
            kind(GithubError::RepositoryNotFound { repository: repository.clone() }),
            FailureKind::RepositoryUnavailable
        );
        assert_eq!(kind(GithubError::NotFound { repository, what: "x".into() }), FailureKind::InvalidInput);
        assert_eq!(kind(GithubError::Unauthorized { call: call() }), FailureKind::Transient);
        assert_eq!(kind(GithubError::RateLimited { call: call(), resets_at: None }), FailureKind::Transient);
        let refused = GithubError::Refused { call: call(), status: 422, message: "Validation Failed".into() };
        assert_eq!(
            Failure::from(refused),
            Failure::new(FailureKind::GithubRefused, "GitHub refused GET /x (422): Validation Failed")
        );
    }
}

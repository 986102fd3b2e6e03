//! What can go wrong, as one list. The name of a kind is the error name that the state machine matches.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kinds of failure. [`FailureKind::as_str`] is the `Error` that Step Functions sees and `ErrorEquals` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// A service answered that it is busy, down or slow; trying again later may help.
    Transient,
    /// The caller sent something that can never work.
    InvalidInput,
    /// The ticket's repository does not exist or we have no access to it.
    RepositoryUnavailable,
    /// The model provider refused or did not answer, after the retries.
    ModelUnavailable,
    /// The model answered, but never with a usable SPEC.
    ModelNonsense,
    /// Tokens, money, turns or time ran out.
    BudgetExceeded,
    /// The workflow is not in a state in which this step may run: it was cancelled or has ended.
    Superseded,
    /// A row changed under us too often.
    Contention,
    /// The stored data contradicts itself. A person has to look.
    Inconsistent,
    /// GitHub refused what was asked for a reason that a retry does not mend.
    GithubRefused,
    /// A bug of ours, or a part of AWS that answered what it never should.
    Internal,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Transient,
        Self::InvalidInput,
        Self::RepositoryUnavailable,
        Self::ModelUnavailable,
        Self::ModelNonsense,
        Self::BudgetExceeded,
        Self::Superseded,
        Self::Contention,
        Self::Inconsistent,
        Self::GithubRefused,
        Self::Internal,
    ];

    /// The error name in the state machine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "Transient",
            Self::InvalidInput => "InvalidInput",
            Self::RepositoryUnavailable => "RepositoryUnavailable",
            Self::ModelUnavailable => "ModelUnavailable",
            Self::ModelNonsense => "ModelNonsense",
            Self::BudgetExceeded => "BudgetExceeded",
            Self::Superseded => "Superseded",
            Self::Contention => "Contention",
            Self::Inconsistent => "Inconsistent",
            Self::GithubRefused => "GithubRefused",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same call may succeed when it is made again.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Contention)
    }

    /// What a person can do about it, in one sentence.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Transient | Self::Contention => "Retry the ticket; the service was busy.",
            Self::InvalidInput => "Correct the ticket or the configuration, then retry.",
            Self::RepositoryUnavailable => {
                "Check the repository's name in the ticket and that the GitHub App is installed on it, then retry."
            }
            Self::ModelUnavailable => "Check the model provider's status and key, then retry.",
            Self::ModelNonsense => "Make the ticket's description more precise, then retry.",
            Self::BudgetExceeded => "Raise the ticket's budget or split the ticket, then retry.",
            Self::Superseded => "Nothing to do: the workflow had already ended.",
            Self::Inconsistent | Self::Internal => "Look at the workflow's audit trail and logs; nothing was merged.",
            Self::GithubRefused => "Read GitHub's answer below; the App may lack a permission or a rule may forbid it.",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure with its kind and what a person needs to know. The text holds no secret and no ticket body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What sort.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde() {
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}

//! The states of a workflow, and which may follow which. The table is data; nothing else decides it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a workflow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowState {
    /// Accepted; nothing has been done.
    Pending,
    /// The model is writing the SPEC.
    Planning,
    /// A question to the reporter is open.
    AwaitingClarification,
    /// A person has to decide on the SPEC.
    AwaitingSpecApproval,
    /// The SPEC is approved; the run has not begun.
    SpecApproved,
    /// The agent is working.
    Executing,
    /// Quality gates are running.
    QaRunning,
    /// The pull request exists.
    PrCreated,
    /// A person has to approve and merge.
    AwaitingPrApproval,
    /// Merged; the ticket is being closed.
    Merged,
    /// Done.
    Completed,
    /// The SPEC was rejected, or nobody decided in time.
    SpecRejected,
    /// The planner found the ticket unfit for this system.
    NotSuitable,
    /// The change did not pass verification or quality gates within its attempts.
    QaFailed,
    /// The pull request was closed without a merge.
    PrClosed,
    /// Stopped on request.
    Cancelled,
    /// Something broke that no retry mended.
    Error,
}

use WorkflowState::{
    AwaitingClarification, AwaitingPrApproval, AwaitingSpecApproval, Cancelled, Completed, Error, Executing, Merged,
    NotSuitable, Pending, Planning, PrClosed, PrCreated, QaFailed, QaRunning, SpecApproved, SpecRejected,
};

/// Every move that is allowed, besides to `CANCELLED` and `ERROR`, which any live state may make
/// (`MERGED` can no longer be cancelled).
pub const TRANSITIONS: &[(WorkflowState, WorkflowState)] = &[
    (Pending, Planning),
    (Planning, AwaitingSpecApproval),
    (Planning, AwaitingClarification),
    (Planning, NotSuitable),
    (Planning, SpecRejected),
    (AwaitingClarification, Planning),
    (AwaitingClarification, NotSuitable),
    (AwaitingSpecApproval, SpecApproved),
    (AwaitingSpecApproval, SpecRejected),
    (AwaitingSpecApproval, Planning),
    (SpecApproved, Executing),
    (SpecApproved, Planning),
    (Executing, QaRunning),
    (Executing, AwaitingSpecApproval),
    (Executing, QaFailed),
    (QaRunning, Executing),
    (QaRunning, QaFailed),
    (QaRunning, PrCreated),
    (PrCreated, AwaitingPrApproval),
    (PrCreated, PrClosed),
    (AwaitingPrApproval, Executing),
    (AwaitingPrApproval, Merged),
    (AwaitingPrApproval, PrClosed),
    (Merged, Completed),
];

/// What a workflow can become that had ended without its result and that somebody resumes. Nothing else follows an end.
pub const RESUMPTIONS: &[(WorkflowState, &[WorkflowState])] = &[
    (SpecRejected, &[Planning]),
    (NotSuitable, &[Planning]),
    (QaFailed, &[Planning, SpecApproved]),
    (PrClosed, &[Planning, SpecApproved, QaRunning]),
    (Error, &[Planning, SpecApproved, QaRunning, PrCreated]),
];

impl WorkflowState {
    /// Every state.
    pub const ALL: [Self; 17] = [
        Pending,
        Planning,
        AwaitingClarification,
        AwaitingSpecApproval,
        SpecApproved,
        Executing,
        QaRunning,
        PrCreated,
        AwaitingPrApproval,
        Merged,
        Completed,
        SpecRejected,
        NotSuitable,
        QaFailed,
        PrClosed,
        Cancelled,
        Error,
    ];

    /// Whether the workflow has ended: nothing follows by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Completed | SpecRejected | NotSuitable | QaFailed | PrClosed | Cancelled | Error)
    }

    /// Whether the workflow waits for a person.
    pub const fn is_waiting_for_person(self) -> bool {
        matches!(self, AwaitingClarification | AwaitingSpecApproval | AwaitingPrApproval)
    }

    /// Whether `self` may be followed by `next`.
    pub fn can_become(self, next: Self) -> bool {
        match next {
            _ if self.is_terminal() => false,
            Error => true,
            Cancelled => self != Merged,
            _ => TRANSITIONS.contains(&(self, next)),
        }
    }

    /// Whether a workflow that ended as `self` may be resumed as `next`.
    pub fn can_resume_as(self, next: Self) -> bool {
        RESUMPTIONS.iter().any(|(from, to)| *from == self && to.contains(&next))
    }

    /// The state's name, as stored and shown: `AWAITING_SPEC_APPROVAL`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pending => "PENDING",
            Planning => "PLANNING",
            AwaitingClarification => "AWAITING_CLARIFICATION",
            AwaitingSpecApproval => "AWAITING_SPEC_APPROVAL",
            SpecApproved => "SPEC_APPROVED",
            Executing => "EXECUTING",
            QaRunning => "QA_RUNNING",
            PrCreated => "PR_CREATED",
            AwaitingPrApproval => "AWAITING_PR_APPROVAL",
            Merged => "MERGED",
            Completed => "COMPLETED",
            SpecRejected => "SPEC_REJECTED",
            NotSuitable => "NOT_SUITABLE",
            QaFailed => "QA_FAILED",
            PrClosed => "PR_CLOSED",
            Cancelled => "CANCELLED",
            Error => "ERROR",
        }
    }
}

impl fmt::Display for WorkflowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a workflow state")]
pub struct UnknownState(String);

impl FromStr for WorkflowState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde() {
        for state in WorkflowState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn only_an_end_without_its_result_can_be_resumed() {
        for from in WorkflowState::ALL {
            let resumed = WorkflowState::ALL.into_iter().filter(|to| from.can_resume_as(*to));
            for to in resumed {
                assert!(from.is_terminal() && !matches!(from, Completed | Cancelled), "{from}");
                assert!(!to.is_terminal() && !to.is_waiting_for_person(), "{from} to {to}");
            }
        }
    }

    #[test]
    fn nothing_follows_a_terminal_state_by_itself() {
        for from in WorkflowState::ALL.into_iter().filter(|s| s.is_terminal()) {
            assert!(WorkflowState::ALL.into_iter().all(|to| !from.can_become(to)), "{from}");
        }
    }

    #[test]
    fn every_live_state_can_end_and_every_state_can_be_reached() {
        for state in WorkflowState::ALL {
            assert!(state.is_terminal() || state.can_become(Error), "{state}");
            assert!(state == Pending || WorkflowState::ALL.into_iter().any(|from| from.can_become(state)), "{state}");
        }
        assert!(!Merged.can_become(Cancelled), "what is merged cannot be taken back by a cancel");
    }
}

//! Ways to get the protocol wrong.

use crate::world::Cast;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The row is written whatever stands in it by now.
    WriteWithoutCondition,
    /// The gate's row and the workflow's are two writes.
    TwoTransactions,
    /// The state machine is told before the row is written.
    TokenBeforeRow,
    /// The answer is noted as delivered before it is.
    MarkBeforeAnswer,
    /// The token is forgotten before it is answered.
    ForgetBeforeAnswer,
    /// A newer token is forgotten with the one that was answered.
    ForgetAnyToken,
    /// The gate's row is written before the token is kept.
    RowBeforeToken,
    /// A step that is tried again does not tell what was decided meanwhile.
    SilentReopening,
    /// Nobody hands over what a crash kept back.
    NoSweeper,
    /// A token that nobody waits for any more is an error, and what was decided is never marked as delivered.
    ClosedTokenIsAnError,
    /// One person's approvals count each time.
    SamePersonTwice,
    /// The requester's approval counts.
    RequesterApproves,
    /// What the decider saw is not compared.
    SubjectIgnored,
    /// An edit keeps the approvals of the SPEC before.
    EditKeepsApprovals,
    /// The time is not compared when people decide.
    LateDecision,
    /// The time is not compared when a gate expires.
    EarlyExpiry,
    /// Anybody may decide.
    AnybodyDecides,
    /// Nobody looks at the clock.
    NoClock,
}

impl Bug {
    /// Who has to take part for it to show.
    pub(crate) fn shown_by(self) -> Cast {
        match self {
            Self::SamePersonTwice => Cast::TwoApprovals,
            Self::SubjectIgnored | Self::EditKeepsApprovals => Cast::Edit,
            Self::RequesterApproves | Self::AnybodyDecides => Cast::Outsiders,
            _ => Cast::TwoDeciders,
        }
    }

    /// All.
    pub(crate) const ALL: [Self; 18] = [
        Self::WriteWithoutCondition,
        Self::TwoTransactions,
        Self::TokenBeforeRow,
        Self::MarkBeforeAnswer,
        Self::ForgetBeforeAnswer,
        Self::ForgetAnyToken,
        Self::RowBeforeToken,
        Self::SilentReopening,
        Self::NoSweeper,
        Self::ClosedTokenIsAnError,
        Self::SamePersonTwice,
        Self::RequesterApproves,
        Self::SubjectIgnored,
        Self::EditKeepsApprovals,
        Self::LateDecision,
        Self::EarlyExpiry,
        Self::AnybodyDecides,
        Self::NoClock,
    ];
}

//! Who takes part, what is stored, what is on its way, and what may happen next.

use std::collections::{BTreeMap, BTreeSet};

use domain::Digest;
use domain::gate::{DecisionRequest, Gate, GateStatus, Verdict};
use domain::ids::Revision;
use domain::person::{Actor, Channel, Person};

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// Ann approves, Bob rejects, one approval is enough.
    TwoDeciders,
    /// Ann approves twice, Bob once, and two approvals are needed.
    TwoApprovals,
    /// Ann approves what she saw, Bob an edit of his, and two approvals are needed.
    Edit,
    /// Ann approves while the ticket is cancelled.
    Cancel,
    /// The requester and an outsider approve, Ann does too.
    Outsiders,
}

/// Somebody who decides once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Decider {
    AnnApproves,
    AnnApprovesAgain,
    BobApproves,
    BobRejects,
    BobEdits,
    RitaApproves,
    EveApproves,
}

impl Cast {
    pub(crate) fn deciders(self) -> BTreeSet<Decider> {
        use Decider as D;
        match self {
            Self::TwoDeciders => [D::AnnApproves, D::BobRejects].into(),
            Self::TwoApprovals => [D::AnnApproves, D::AnnApprovesAgain, D::BobApproves].into(),
            Self::Edit => [D::AnnApproves, D::AnnApprovesAgain, D::BobEdits].into(),
            Self::Cancel => [D::AnnApproves].into(),
            Self::Outsiders => [D::RitaApproves, D::EveApproves, D::AnnApproves].into(),
        }
    }

    pub(crate) fn required(self) -> u32 {
        if matches!(self, Self::TwoApprovals | Self::Edit) { 2 } else { 1 }
    }
}

/// Everything that is stored or on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    /// The gate's row.
    pub(crate) gate: Option<Gate>,
    /// The workflow's row: its version, whether a cancel was asked for, and what was decided.
    pub(crate) version: u8,
    pub(crate) cancel: bool,
    pub(crate) decided: Option<GateStatus>,
    /// Decisions in the audit trail, written with the workflow's row.
    pub(crate) audit: Vec<GateStatus>,
    /// The token that is kept.
    pub(crate) token: Option<u8>,
    /// The machine: the try that it waits for, and the answer that it got.
    pub(crate) waits_for: u8,
    pub(crate) answer: Option<GateStatus>,
    /// The machine takes the function that it called for dead, and tries again.
    pub(crate) lost: bool,
    /// Calls on their way.
    pub(crate) calls: BTreeSet<Call>,
    /// Who has not decided yet, and what they saw.
    pub(crate) to_come: BTreeSet<Decider>,
    pub(crate) seen: BTreeSet<(Decider, Digest)>,
    pub(crate) crashes: u8,
    /// How often the sweeper handed the decision over.
    pub(crate) sweeps: u8,
    /// What each person saw, or made of it, when they last approved. For the properties.
    pub(crate) approved: BTreeMap<&'static str, Option<Digest>>,
}

/// A function that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Call {
    /// The step that opens the gate, with its token; where it is, and the workflow's version that it read.
    Open { token: u8, at: Opening },
    /// Somebody decides: the row was read with these versions.
    Decide { by: By, saw: Option<Digest>, read: Option<(u64, u8)> },
    /// The workflow's row is still to be written, after the gate's. Only with a bug.
    SecondWrite,
    /// A decision is to be handed over: for which try of the opening step, if for one.
    Fetch { opened: Option<u8> },
    /// It is, with the token that was read; whether it was answered.
    Deliver { opened: Option<u8>, token: Option<u8>, answered: bool },
}

/// Where the opening step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Opening {
    Read,
    Keep { version: u8 },
    Write { version: u8 },
    KeepLate,
}

/// On whose behalf a decision is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum By {
    Person(Decider),
    Clock,
    Cancel,
}

/// What may happen next. The last two are mishaps, which nothing can count on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Try,
    Look(Decider),
    Begin(Decider),
    AskToCancel,
    Tick,
    Sweep(By),
    SweepDelivery,
    Step(Call),
    /// The reply of the step's function does not reach the machine, which tries again with another token.
    LoseReply,
    Crash(Call),
}

pub(crate) fn person(name: &str) -> Person {
    Person::from_email(format!("{name}@example.com"))
}

impl Decider {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AnnApproves | Self::AnnApprovesAgain => "ann",
            Self::BobApproves | Self::BobRejects | Self::BobEdits => "bob",
            Self::RitaApproves => "rita",
            Self::EveApproves => "eve",
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::BobRejects => Verdict::Reject,
            Self::BobEdits => {
                Verdict::ApproveEdited { revision: Revision::FIRST.next(), spec_digest: Digest::of("edited") }
            }
            _ => Verdict::Approve,
        }
    }
}

impl By {
    pub(crate) fn request(self, saw: Option<Digest>) -> DecisionRequest {
        match self {
            Self::Person(who) => DecisionRequest {
                verdict: who.verdict(),
                by: Actor::Person { person: person(who.name()), channel: Channel::Link },
                subject_digest: saw,
                comment: Some("because".to_owned()),
                sections: vec![],
            },
            Self::Clock => DecisionRequest::fact(Verdict::Expire, Actor::system("sweeper"), None),
            Self::Cancel => DecisionRequest::fact(Verdict::Cancel, Actor::system("workflow"), None),
        }
    }
}

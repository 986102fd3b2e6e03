//! What has to be said to the outside after a change: written in the same transaction, delivered at least once.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::gate::Stage;
use crate::ids::{GateId, Revision, WorkflowId};
use crate::person::Person;
use crate::state::WorkflowState;
use crate::ticket::TicketStatus;
use crate::workflow::ResumePoint;

/// A row of the outbox, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxMessage {
    /// Where it goes. The router has one queue for each.
    pub channel: OutboxChannel,
    /// What it is about. The text is made when it is sent.
    pub notice: Notice,
}

/// Where a row of the outbox is: all that travels from the stream through a channel's queue. The row itself is read
/// when it is sent, so that what is sent is what is true then. A reader ignores fields that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutboxPointer {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The row's number within the workflow.
    pub seq: u64,
}

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxChannel {
    /// The ticket tracker.
    Ticket,
    /// E-mail.
    Email,
    /// Slack. Rows are written whether a deployment has it or not; the router leaves them lying where it has not.
    Slack,
    /// The state machine, by way of `approvals`: what was decided at a gate.
    Delivery,
}

impl OutboxChannel {
    /// All.
    pub const ALL: [Self; 4] = [Self::Ticket, Self::Email, Self::Slack, Self::Delivery];

    /// The channel's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Delivery => "delivery",
        }
    }
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Notice {
    /// Work has begun.
    WorkStarted,
    /// Work goes on after an end.
    Resumed {
        /// From where.
        from: ResumePoint,
    },
    /// A SPEC waits for a decision.
    SpecAwaitsApproval {
        /// The gate.
        gate: GateId,
        /// Which revision.
        revision: Revision,
    },
    /// A pull request waits for a decision.
    PrAwaitsApproval {
        /// The gate.
        gate: GateId,
    },
    /// A gate waits, and people are told again or for the first time: those who are asked and have not approved.
    GateStillOpen {
        /// The gate.
        gate: GateId,
        /// How far its time has come.
        stage: Stage,
    },
    /// A gate was handed on.
    GateDelegated {
        /// The gate.
        gate: GateId,
        /// To whom.
        to: Box<Person>,
    },
    /// A code is to be made and sent to whom an approval link belongs.
    CodeRequested {
        /// The gate.
        gate: GateId,
        /// Who gets it.
        to: Box<Person>,
        /// The link's digest.
        link: Digest,
        /// Which code of the link.
        number: u32,
    },
    /// A gate was decided, and the state machine is to hear of it. Who decided does that at once; this is for when it
    /// did not come to that.
    GateDecided {
        /// The gate.
        gate: GateId,
    },
    /// Something happened that is followed step by step: what it was stands in the audit trail.
    Recorded {
        /// The number of its audit entry.
        entry: u64,
    },
    /// The workflow has ended.
    Ended {
        /// How.
        state: WorkflowState,
        /// The ticket's new status.
        status: TicketStatus,
        /// Why, in words for people; absent on success.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

//! What our other functions ask of `approvals`, which alone writes gates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DecisionRequest, GateStatus, Refusal, Stage};
use crate::digest::Digest;
use crate::ids::{GateId, WorkflowId};
use crate::person::{Actor, Person};

/// A request to the function that keeps gates and task tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum ApprovalRequest {
    /// Decide a gate. Answers [`DecideAnswer`].
    Decide {
        /// Which gate.
        gate: GateId,
        /// Who says what.
        decision: DecisionRequest,
    },
    /// Decide the workflow's open gate as cancelled, if one is open. Answers [`DecideAnswer`] or nothing.
    Cancel {
        /// The workflow.
        workflow_id: WorkflowId,
    },
    /// Do what the gate's clock says: tell people, ask more of them, or let it expire. Answers [`ClockAnswer`].
    Clock {
        /// Which gate.
        gate: GateId,
    },
    /// Give people more time. Answers [`ChangeAnswer`].
    Extend {
        /// Which gate.
        gate: GateId,
        /// Who wants it, and how.
        by: Actor,
        /// Until when.
        due_at: Timestamp,
    },
    /// Ask somebody in addition. Answers [`ChangeAnswer`].
    Delegate {
        /// Which gate.
        gate: GateId,
        /// Who hands it on, and how.
        by: Actor,
        /// To whom: must be somebody whom the deployment or the gate names.
        to: Box<Person>,
    },
    /// Hand decisions to the state machine that have not reached it. Answers [`DeliverAnswer`].
    Deliver {
        /// Which gate.
        gate: GateId,
    },
}

/// Answer to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum DecideAnswer {
    /// It counts.
    Decided {
        /// The new status.
        status: GateStatus,
    },
    /// It counts as one of the approvals that are needed.
    Counted {
        /// How many there are now.
        approvals: u32,
        /// How many are needed.
        required: u32,
    },
    /// It does not count.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The same in words.
        message: String,
    },
    /// There is no such gate.
    NotFound,
}

/// Answer to a change of an open gate that decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeAnswer {
    /// It is so now.
    Changed,
    /// It is as it was.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The same in words.
        message: String,
    },
    /// There is no such gate.
    NotFound,
}

/// What a gate's clock led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockAnswer {
    /// Nothing was due.
    Nothing,
    /// People are told.
    Told {
        /// How far the time has come.
        stage: Stage,
    },
    /// It expired.
    Expired,
}

/// Answer to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliverAnswer {
    /// The state machine has the decision, or no longer waits for one.
    Delivered,
    /// Nothing to deliver: the gate is open, or was never.
    Nothing,
}

/// A request to the function that makes approval links. It can make them, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkRequest {
    /// Make a link for one recipient of one gate. Answers [`MintedLink`].
    Mint {
        /// The gate.
        gate: GateId,
        /// The recipient: must be one of the gate's approvers.
        recipient: Person,
    },
}

/// A fresh link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintedLink {
    /// The link's secret id, as text. Never log it.
    pub link_id: String,
}

impl std::fmt::Debug for MintedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MintedLink([hidden])")
    }
}

/// What a link stands for: the row behind its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkGrant {
    /// The gate.
    pub gate: GateId,
    /// What was to be decided on when the link was made.
    pub subject_digest: Digest,
    /// Whose link it is.
    pub recipient: Person,
}

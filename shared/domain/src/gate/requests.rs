//! What our other functions ask of `approvals`, which alone writes gates.

use serde::{Deserialize, Serialize};

use super::{DecisionRequest, GateStatus, Refusal};
use crate::digest::Digest;
use crate::ids::{GateId, WorkflowId};
use crate::person::Person;

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

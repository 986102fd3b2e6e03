//! What our other functions ask of `approvals`, which alone writes gates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::CodeRefusal;
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
    /// Send a code to whom a link belongs. Answers [`CodeAnswer`].
    SendCode {
        /// The link's digest.
        link: Digest,
    },
    /// Count a try, and say whether it was the link's code. Answers [`CodeAnswer`].
    CheckCode {
        /// The link's digest.
        link: Digest,
        /// What was typed.
        code: String,
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

/// Answer about a typed code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum CodeAnswer {
    /// It is on its way.
    Sent,
    /// It was the code: whoever typed it reads the mailbox of whom the link belongs to.
    Right,
    /// There is none, or it was another one.
    Refused {
        /// Why.
        refusal: CodeRefusal,
        /// The same in words.
        message: String,
    },
    /// There is no such link.
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
    /// Make the code that was asked for. Answers [`MintedCode`].
    MintCode {
        /// The link's digest.
        link: Digest,
        /// Which code of the link.
        number: u32,
    },
}

/// A fresh code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintedCode {
    /// Its digits. Never log them.
    pub code: String,
    /// Until when it counts.
    pub ends_at: Timestamp,
}

impl std::fmt::Debug for MintedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MintedCode([hidden], until {})", self.ends_at)
    }
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

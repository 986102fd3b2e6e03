//! Human gates. The row is the arbiter: whoever changes it from `PENDING` has decided, and the task token follows.

pub mod code;
mod decide;
mod decision;
mod delivery;
pub mod policy;
pub mod requests;
mod schedule;
mod standing;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{CommitSha, GateId, Repository, Revision, WorkflowId};
use crate::person::{Actor, Person};
pub use decide::MAX_OPEN;
pub use decision::{Approval, Decision, DecisionRequest, Refusal, SectionComment, Verdict};
pub use delivery::Handover;
use policy::{Asked, Quorum};
pub use schedule::{Due, Stage};
pub use standing::Standing;

/// Longest comment, those on sections included, bytes.
pub const MAX_COMMENT_BYTES: usize = 16_000;
/// Most sections that one decision may comment on.
pub const MAX_SECTION_COMMENTS: usize = 200;

/// A question to people, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its id.
    pub id: GateId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// Counts the row's changes: the condition of every write.
    #[serde(default)]
    pub version: u64,
    /// The ticket, for lists of gates; `None` in rows of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// What is to be decided on, exactly.
    pub subject: Subject,
    /// [`Subject::digest`]: a decision names it, so that nobody decides on what they did not see.
    pub subject_digest: Digest,
    /// Who asked for the change: may not approve it.
    pub requester: Person,
    /// Who is asked.
    pub approvers: Vec<Person>,
    /// Who is asked too when nobody decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<Person>,
    /// Who named those people.
    #[serde(default)]
    pub roster: Roster,
    /// How many approvals it takes.
    #[serde(default)]
    pub quorum: Quorum,
    /// Those that were given, of the content that [`Gate::subject_digest`] names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Whom people handed the question on to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegations: Vec<Delegation>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it expires.
    pub due_at: Timestamp,
    /// How far its time has come, as far as people were told.
    #[serde(default)]
    pub stage: Stage,
    /// Where it stands.
    pub status: GateStatus,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When the answer reached the state machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// Who named the people whom a gate asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roster {
    /// The deployment, for every repository. Whoever is on its lists no more may decide no more.
    #[default]
    Deployment,
    /// The repository's own file at the base commit.
    Repository,
}

/// The question was handed on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Who did it.
    pub from: Actor,
    /// To whom.
    pub to: Person,
    /// When.
    pub at: Timestamp,
}

/// What a list of gates says of one, so that it needs no other row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The ticket's title.
    pub title: String,
    /// Its repository.
    pub repository: Repository,
}

impl Gate {
    /// A new gate, not written anywhere yet.
    ///
    /// # Errors
    /// Only where the subject has no canonical form, or its time no end.
    pub fn new(
        id: GateId,
        workflow_id: WorkflowId,
        subject: Subject,
        requester: Person,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Self, NotOpened> {
        Ok(Self {
            id,
            workflow_id,
            version: 0,
            about: None,
            subject_digest: subject.digest()?,
            subject,
            requester,
            approvers: asked.approvers,
            escalation: asked.escalation,
            roster: asked.roster,
            quorum: asked.quorum,
            approvals: Vec::new(),
            delegations: Vec::new(),
            created_at: now,
            due_at: now.checked_add(asked.time)?,
            stage: Stage::Asked,
            status: GateStatus::Pending,
            decision: None,
            delivered_at: None,
        })
    }
}

/// Why a gate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The subject.
    #[error("what is to be decided on has no canonical form")]
    Subject(#[from] serde_json::Error),
    /// The time.
    #[error("the time for a decision has no end")]
    Time(#[from] jiff::Error),
}

/// What a gate is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Subject {
    /// A SPEC.
    Spec {
        /// Which revision.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
        /// The commit it was written for.
        base_commit: CommitSha,
        /// The ticket text it was written for.
        ticket_digest: Digest,
    },
    /// A pull request.
    Pr {
        /// Its number.
        number: u64,
        /// Its head.
        head_sha: CommitSha,
        /// The head's tree.
        tree_sha: CommitSha,
        /// The QA report of that tree.
        qa_report: Digest,
    },
}

impl Subject {
    /// SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// Never in practice: every field has a canonical form.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }

    /// Which sort.
    pub const fn kind(&self) -> GateKind {
        match self {
            Self::Spec { .. } => GateKind::Spec,
            Self::Pr { .. } => GateKind::Pr,
        }
    }
}

/// Sort of gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateKind {
    /// On a SPEC.
    Spec,
    /// On a pull request.
    Pr,
}

impl GateKind {
    /// As it stands in a [`GateId`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Pr => "pr",
        }
    }

    /// The id of a workflow's `n`th gate of this kind, n from 1.
    ///
    /// # Errors
    /// When `n` is 0.
    pub fn gate_id(self, workflow_id: &WorkflowId, n: u32) -> Result<GateId, crate::ids::InvalidId> {
        format!("{workflow_id}.{}.{n}", self.as_str()).parse()
    }
}

/// Where a gate stands; also what the state machine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateStatus {
    /// Nobody has decided.
    Pending,
    /// Go on.
    Approved,
    /// Once more, with the comment taken into account.
    RevisionRequested,
    /// No.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// The workflow was cancelled.
    Cancelled,
}

impl GateStatus {
    /// The status's name, as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::RevisionRequested => "REVISION_REQUESTED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;

//! Human gates. The row is the arbiter: whoever changes it from `PENDING` has decided, and the task token follows.

pub mod requests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{CommitSha, GateId, Revision, WorkflowId};
use crate::person::{Actor, Channel, Person};

/// Longest comment, bytes.
pub const MAX_COMMENT_BYTES: usize = 16_000;

/// A question to people, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its id.
    pub id: GateId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// What is to be decided on, exactly.
    pub subject: Subject,
    /// [`Subject::digest`]: a decision names it, so that nobody decides on what they did not see.
    pub subject_digest: Digest,
    /// Who asked for the change: may not approve alone.
    pub requester: Person,
    /// Who is asked.
    pub approvers: Vec<Person>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it expires.
    pub due_at: Timestamp,
    /// Where it stands.
    pub status: GateStatus,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When the answer reached the state machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// What a gate is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Who, and how.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What a decider can say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// Go on; for a pull request: merge it.
    Approve,
    /// Once more; for a pull request: changes requested.
    Revise,
    /// No; for a pull request: close it.
    Reject,
    /// Time is up. Only the system says so.
    Expire,
    /// The workflow was cancelled. Only the system says so.
    Cancel,
    /// The pull request was merged at the code host: an approval that already happened.
    MergedAtHost {
        /// The merge commit.
        merge_sha: CommitSha,
    },
    /// The pull request was closed at the code host.
    ClosedAtHost,
}

impl Verdict {
    /// The status that follows.
    pub const fn status(&self) -> GateStatus {
        match self {
            Self::Approve | Self::MergedAtHost { .. } => GateStatus::Approved,
            Self::Revise => GateStatus::RevisionRequested,
            Self::Reject | Self::ClosedAtHost => GateStatus::Rejected,
            Self::Expire => GateStatus::Expired,
            Self::Cancel => GateStatus::Cancelled,
        }
    }
}

/// Somebody wants to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// What they want.
    pub verdict: Verdict,
    /// Who, and how.
    pub by: Actor,
    /// What they saw. Only the system may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_digest: Option<Digest>,
    /// Their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Why a decision does not count. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// There is an answer already.
    #[error("this was already decided: {}", status.as_str())]
    AlreadyDecided {
        /// The answer's status.
        status: GateStatus,
    },
    /// Too late.
    #[error("the time for this decision ended at {due_at}")]
    Due {
        /// When it ended.
        due_at: Timestamp,
    },
    /// Too early to say that time is up.
    #[error("the time for this decision ends only at {due_at}")]
    NotDue {
        /// When it ends.
        due_at: Timestamp,
    },
    /// The content is no longer what the decider saw.
    #[error("what you decided on has changed since you saw it; open the page again")]
    SubjectChanged,
    /// Not one of the approvers.
    #[error("you are not one of the people who may decide this")]
    NotAnApprover,
    /// The requester.
    #[error("you asked for this change, so somebody else has to approve it")]
    RequesterCannotApprove,
    /// A revision or rejection without words.
    #[error("please say why: a revision or rejection needs a comment")]
    CommentMissing,
    /// Too many words.
    #[error("the comment is longer than {MAX_COMMENT_BYTES} bytes")]
    CommentTooLong,
    /// This gate does not know that answer.
    #[error("this gate cannot be answered in that way")]
    WrongVerdict,
    /// No more rounds.
    #[error("this was sent back {rounds} times already, which is the limit; approve or reject it")]
    NoRoundsLeft {
        /// The limit.
        rounds: u32,
    },
}

impl Gate {
    /// Decides, or says why the request does not count. A pure function: production, tests and the model of the gate
    /// all run this one.
    ///
    /// # Errors
    /// A [`Refusal`]; the gate is as it was.
    pub fn decide(&self, request: DecisionRequest, now: Timestamp) -> Result<Self, Refusal> {
        if self.status != GateStatus::Pending {
            return Err(Refusal::AlreadyDecided { status: self.status });
        }
        self.check_time(&request.verdict, now)?;
        self.check_person(&request)?;
        let comment = request.comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if comment.as_ref().is_some_and(|text| text.len() > MAX_COMMENT_BYTES) {
            return Err(Refusal::CommentTooLong);
        }
        if matches!(request.verdict, Verdict::Revise | Verdict::Reject) && comment.is_none() {
            return Err(Refusal::CommentMissing);
        }
        Ok(Self {
            status: request.verdict.status(),
            decision: Some(Decision { verdict: request.verdict, by: request.by, at: now, comment }),
            ..self.clone()
        })
    }

    fn check_time(&self, verdict: &Verdict, now: Timestamp) -> Result<(), Refusal> {
        let due = now >= self.due_at;
        match verdict {
            Verdict::Expire if !due => Err(Refusal::NotDue { due_at: self.due_at }),
            Verdict::Approve | Verdict::Revise | Verdict::Reject if due => Err(Refusal::Due { due_at: self.due_at }),
            _ => Ok(()),
        }
    }

    fn check_person(&self, request: &DecisionRequest) -> Result<(), Refusal> {
        let host_fact = matches!(request.verdict, Verdict::MergedAtHost { .. } | Verdict::ClosedAtHost);
        if host_fact && self.subject.kind() != GateKind::Pr {
            return Err(Refusal::WrongVerdict);
        }
        match &request.by {
            Actor::System { .. } => match request.verdict {
                Verdict::Expire | Verdict::Cancel | Verdict::MergedAtHost { .. } | Verdict::ClosedAtHost => Ok(()),
                Verdict::Approve | Verdict::Revise | Verdict::Reject => Err(Refusal::NotAnApprover),
            },
            // What happened at the code host has happened, whoever did it: the host's own rules allowed it.
            Actor::Person { channel: Channel::GitHub, .. } if host_fact => Ok(()),
            Actor::Person { .. } if host_fact || matches!(request.verdict, Verdict::Expire) => {
                Err(Refusal::WrongVerdict)
            }
            // Whoever may cancel the ticket in its tracker may cancel here.
            Actor::Person { .. } if request.verdict == Verdict::Cancel => Ok(()),
            Actor::Person { person, channel } => {
                let by_host_review = *channel == Channel::GitHub && self.subject.kind() == GateKind::Pr;
                if !by_host_review && !self.approvers.iter().any(|approver| approver.is_same(person)) {
                    return Err(Refusal::NotAnApprover);
                }
                if request.verdict == Verdict::Approve && self.requester.is_same(person) {
                    return Err(Refusal::RequesterCannotApprove);
                }
                if request.subject_digest != Some(self.subject_digest) {
                    return Err(Refusal::SubjectChanged);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;

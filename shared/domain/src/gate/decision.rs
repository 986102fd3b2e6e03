//! What people say at a gate, and why it may not count.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GateStatus, MAX_COMMENT_BYTES, MAX_SECTION_COMMENTS};
use crate::digest::Digest;
use crate::ids::{CommitSha, Revision};
use crate::person::Actor;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// One approval of those that a gate needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who, and how.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What a decider can say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// Go on; for a pull request: merge it.
    Approve,
    /// Go on, with the SPEC as the decider edited it. Earlier approvals were of another SPEC and count no more.
    ApproveEdited {
        /// The revision that the edited SPEC is.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
    },
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
    /// The status that follows, for an approval once there are enough.
    pub const fn status(&self) -> GateStatus {
        match self {
            Self::Approve | Self::ApproveEdited { .. } | Self::MergedAtHost { .. } => GateStatus::Approved,
            Self::Revise => GateStatus::RevisionRequested,
            Self::Reject | Self::ClosedAtHost => GateStatus::Rejected,
            Self::Expire => GateStatus::Expired,
            Self::Cancel => GateStatus::Cancelled,
        }
    }

    /// Whether it is one of the approvals that a gate counts.
    pub const fn is_approval(&self) -> bool {
        matches!(self, Self::Approve | Self::ApproveEdited { .. })
    }

    /// Whether people say it at a gate, and not the system or the code host.
    pub const fn is_by_people(&self) -> bool {
        matches!(self, Self::Approve | Self::ApproveEdited { .. } | Self::Revise | Self::Reject)
    }
}

/// Words on one section of what is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionComment {
    /// The section's name as the page shows it.
    pub section: String,
    /// The words.
    pub text: String,
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
    /// Their words on single sections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<SectionComment>,
}

impl DecisionRequest {
    /// What the system or the code host says: about nothing that anybody had to see.
    pub const fn fact(verdict: Verdict, by: Actor, comment: Option<String>) -> Self {
        Self { verdict, by, subject_digest: None, comment, sections: Vec::new() }
    }

    /// All words as one text: the general comment, then each section's below its name. `None` without any.
    ///
    /// # Errors
    /// When there are more than a gate keeps.
    pub(super) fn words(&self) -> Result<Option<String>, Refusal> {
        if self.sections.len() > MAX_SECTION_COMMENTS {
            return Err(Refusal::CommentTooLong);
        }
        let mut parts = vec![self.comment.as_deref().unwrap_or_default().trim().to_owned()];
        let said = self.sections.iter().filter(|comment| !comment.text.trim().is_empty());
        parts.extend(said.map(|SectionComment { section, text }| {
            format!("On “{}”:\n{}", crate::text::one_line(section.trim(), 100), text.trim())
        }));
        parts.retain(|part| !part.is_empty());
        let words = parts.join("\n\n");
        if words.len() > MAX_COMMENT_BYTES {
            return Err(Refusal::CommentTooLong);
        }
        Ok(Some(words).filter(|words| !words.is_empty()))
    }
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
    /// One person's approval counts once.
    #[error("your approval was counted before; it takes {} more", needed(*missing))]
    AlreadyApproved {
        /// How many approvals are still missing.
        missing: u32,
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
    #[error("the comments together are longer than {MAX_COMMENT_BYTES} bytes")]
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
    /// An edit that was not checked, or is somebody else's, or of another SPEC.
    #[error("there is no checked edit of yours of this SPEC; open the page again and edit what it shows")]
    EditUnknown,
    /// A deadline that cannot be.
    #[error("the time can be extended to a later moment only, and to {latest} at most")]
    DeadlineRefused {
        /// The latest moment.
        latest: Timestamp,
    },
    /// Somebody to whom this cannot be handed on.
    #[error(
        "this can be handed on only to one of the approvers of this installation who is not asked yet and did not ask for the change"
    )]
    DelegateRefused,
}

fn needed(missing: u32) -> String {
    if missing == 1 { "one".to_owned() } else { missing.to_string() }
}

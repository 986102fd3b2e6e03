//! Facts about a workflow. Each is also the content of an audit entry: ids, digests and short reasons, no bodies.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::budget::Usage;
use crate::digest::Digest;
use crate::failure::Failure;
use crate::gate::policy::{RepoApprovals, RiskFacts};
use crate::gate::{GateKind, GateStatus, Stage, Verdict};
use crate::ids::{Attempt, CommitSha, GateId, Revision};
use crate::path::{Protection, RepoPath};
use crate::person::Person;
use crate::spec::{FileAction, RefusedPath};
use crate::task::RunOutcome;
use crate::verify::Violation;
use crate::workflow::{Forecast, Resumption};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The ticket was accepted.
    Created {
        /// The ticket's version.
        ticket_version: u64,
        /// Digest of its text.
        ticket_digest: Digest,
    },
    /// The ticket changed in its tracker.
    TicketUpdated {
        /// The new version.
        ticket_version: u64,
        /// Digest of the new text.
        ticket_digest: Digest,
    },
    /// Somebody asked to stop. It takes effect at the next step.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// Somebody had a workflow go on that had ended without its result.
    Resumed {
        /// From where, and how often that was done.
        resumption: Resumption,
        /// Their words.
        comment: Option<String>,
    },
    /// The planner began.
    PlanningStarted {
        /// Which revision it writes.
        revision: Revision,
    },
    /// The planner wrote a SPEC.
    SpecProposed {
        /// Which revision.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
        /// The commit it was written for.
        base_commit: CommitSha,
        /// What planning it cost.
        usage: Usage,
        /// What it says that may raise the number of approvals.
        #[serde(default)]
        facts: RiskFacts,
        /// What the repository says about approvals at that commit.
        #[serde(default)]
        approvals: Box<RepoApprovals>,
        /// What it foresees for the implementation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forecast: Option<Forecast>,
    },
    /// The planner found the ticket unfit.
    FoundUnsuitable {
        /// Why.
        reason: String,
        /// What that cost.
        usage: Usage,
    },
    /// A gate was opened.
    GateOpened {
        /// Which.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// What is to be decided on.
        subject_digest: Digest,
        /// When it expires.
        due_at: Timestamp,
    },
    /// A gate was decided.
    GateDecided {
        /// Which.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// The result.
        status: GateStatus,
        /// What was said.
        verdict: Verdict,
        /// The decider's words.
        comment: Option<String>,
    },
    /// An approval was counted, and more are needed.
    GateApproved {
        /// Which gate.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// The approver's words.
        comment: Option<String>,
        /// How many approvals there are now.
        approvals: u32,
        /// How many are needed.
        required: u32,
    },
    /// People were reminded, or more of them asked.
    GateStage {
        /// Which gate.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// How far its time has come.
        stage: Stage,
        /// Who is asked from now on.
        added: Vec<String>,
    },
    /// People have more time.
    GateExtended {
        /// Which gate.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// When it expires now.
        due_at: Timestamp,
    },
    /// One who is asked handed the question on.
    GateDelegated {
        /// Which gate.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// To whom.
        to: Box<Person>,
    },
    /// Whoever has an approval link asked for a code to be mailed to whom the link belongs.
    CodeRequested {
        /// Which gate.
        gate: GateId,
        /// Its kind.
        kind: GateKind,
        /// Whose link it is, and who gets the code.
        to: Box<Person>,
        /// The link's digest.
        link: Digest,
        /// Which code of the link.
        number: u32,
    },
    /// An approver's edit of the SPEC was checked and stored. It counts when they approve it.
    SpecEdited {
        /// The edited SPEC.
        edit: SpecEdit,
        /// The sections that differ from the SPEC that was asked about.
        changed: Vec<String>,
    },
    /// The SPEC at the gate was replaced by an approver's edit, which others have to approve too.
    SpecReplaced {
        /// Which gate.
        gate: GateId,
        /// The edited SPEC's revision.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
        /// The approver's words.
        comment: Option<String>,
        /// How many approvals there are now.
        approvals: u32,
        /// How many are needed.
        required: u32,
    },
    /// The approved SPEC no longer fits the repository or the ticket.
    SpecWentStale {
        /// What changed.
        reason: String,
    },
    /// A run's bundle was written.
    RunPrepared {
        /// Which attempt.
        attempt: Attempt,
        /// The commit of its workspace.
        base_commit: CommitSha,
    },
    /// The agent's sandbox ended.
    RunEnded {
        /// Which attempt.
        attempt: Attempt,
        /// How.
        outcome: RunOutcome,
        /// What it cost.
        usage: Usage,
        /// The isolation layers that were active.
        isolation: Vec<String>,
        /// How many connections the sandbox did not let through.
        #[serde(default)]
        refused_connections: u64,
        /// The agent's model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// The agent asked for more files, and an amendment of the approved SPEC waits for people's decision.
    ScopeChangeProposed {
        /// The attempt whose agent asked; the next one follows when the amendment is approved.
        attempt: Attempt,
        /// The amendment's revision.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
        /// The commit of the attempt's workspace, which the amendment was written for.
        base_commit: CommitSha,
        /// What the amendment adds.
        added: Vec<ChangedFile>,
        /// What the agent asked for as well and people are not asked about.
        refused: Vec<RefusedPath>,
        /// The agent's reason, in its words.
        agent_reason: String,
        /// Digest of the attempt's change set, if that keeps to the approved SPEC: the next attempt starts from it.
        kept: Option<Digest>,
        /// What the next attempt is told.
        feedback: String,
    },
    /// The agent asked for more files, and there is nothing that people could decide on. Another attempt follows where
    /// the limits allow it.
    ScopeChangeRefused {
        /// The attempt whose agent asked.
        attempt: Attempt,
        /// What it asked for and why that is refused; empty when no further request is allowed.
        refused: Vec<RefusedPath>,
        /// The same in words for the agent and for people.
        reason: String,
        /// Digest of the attempt's change set, if that keeps to the approved SPEC: the next attempt starts from it.
        kept: Option<Digest>,
    },
    /// The change set is within the SPEC.
    ChangesVerified {
        /// Which attempt.
        attempt: Attempt,
        /// Digest of the archive.
        digest: Digest,
        /// What changed.
        files: Vec<ChangedFile>,
        /// Digest of the stored diff, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diff: Option<Digest>,
    },
    /// The attempt was not good enough. Another follows where the limits allow it.
    AttemptFailed {
        /// Which attempt.
        attempt: Attempt,
        /// Why, in words for the agent and for people.
        reason: String,
        /// Broken rules, where there were any.
        violations: Vec<Violation>,
    },
    /// The gates ran.
    QaFinished {
        /// Which attempt.
        attempt: Attempt,
        /// Whether nothing blocks.
        passed: bool,
        /// Digest of the report.
        report: Digest,
        /// The gates that block.
        blocking: Vec<String>,
        /// How many findings about the tests people should look at.
        #[serde(default)]
        findings: u32,
    },
    /// The pull request exists with this head.
    PrPublished {
        /// Its number.
        number: u64,
        /// Its page.
        url: String,
        /// Its branch.
        branch: String,
        /// Its head.
        head_sha: CommitSha,
        /// The head's tree.
        tree_sha: CommitSha,
    },
    /// The base branch moved so that the pull request no longer merges.
    MergeConflict {
        /// What GitHub said.
        reason: String,
    },
    /// The pull request was merged.
    PrMerged {
        /// The merge commit.
        merge_sha: CommitSha,
    },
    /// The pull request was closed without a merge.
    PrClosed {
        /// Why.
        reason: String,
    },
    /// The ticket is closed; nothing is left to do.
    Completed,
    /// The workflow was stopped on request.
    Cancelled,
    /// Something broke that no retry mended.
    Failed {
        /// What.
        failure: Failure,
    },
}

impl Event {
    /// Whether people who follow the workflow step by step are told of it at once. The audit trail has everything; what
    /// is not told at once is told with the next event that is.
    pub const fn is_followed(&self) -> bool {
        matches!(
            self,
            Self::GateOpened { .. }
                | Self::GateDecided { .. }
                | Self::GateApproved { .. }
                | Self::GateStage { .. }
                | Self::GateExtended { .. }
                | Self::GateDelegated { .. }
                | Self::SpecReplaced { .. }
                | Self::SpecWentStale { .. }
                | Self::Resumed { .. }
                | Self::RunPrepared { .. }
                | Self::AttemptFailed { .. }
                | Self::QaFinished { .. }
                | Self::MergeConflict { .. }
        )
    }
}

/// An approver's edit of the SPEC at the open gate: checked and stored, not approved yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecEdit {
    /// The revision that it would be.
    pub revision: Revision,
    /// Its digest.
    pub spec_digest: Digest,
    /// Digest of the SPEC that was edited.
    pub of: Digest,
    /// Who edited it.
    pub by: Person,
    /// What it says that may raise the number of approvals.
    pub facts: RiskFacts,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedFile {
    /// Where.
    pub path: RepoPath,
    /// What.
    pub action: FileAction,
    /// The rule that protects the path, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
}

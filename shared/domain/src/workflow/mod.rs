//! A workflow: one generation of one ticket, and everything that can happen to it.
//!
//! The pure core is [`Workflow::apply`]: (row, event, actor, now) → (next row, audit entry, outbox rows). `store`
//! writes the three in one transaction.

mod apply;
mod event;
mod resume;
mod stats;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use apply::{ApplyError, Change};
pub use event::{ChangedFile, Event, SpecEdit};
pub use resume::{ExecutionName, ResumePoint, Resumption, UnknownExecution, UnknownPoint};
pub use stats::{Expense, Forecast, StateTime, Stats};

use crate::audit::{AuditEntry, AuditHead};
use crate::budget::{Ledger, Phase};
use crate::digest::Digest;
use crate::failure::Failure;
use crate::gate::policy::{RepoApprovals, RiskFacts};
use crate::ids::{Attempt, CommitSha, GateId, Repository, Revision, TicketKey, WorkflowId};
use crate::person::{Actor, Person};
use crate::state::WorkflowState;
use crate::ticket::{Priority, Ticket};

/// The workflow's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its id.
    pub id: WorkflowId,
    /// Counts the row's changes; the condition of every write.
    pub version: u64,
    /// Where it stands.
    pub state: WorkflowState,
    /// The ticket, without its text.
    pub ticket: TicketSummary,
    /// How often it may go round.
    pub limits: RoundLimits,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// The SPEC's revision that is being written, decided on or implemented.
    pub revision: Revision,
    /// The SPEC of that revision, once there is one.
    #[serde(default)]
    pub spec: Option<SpecRef>,
    /// What that SPEC says that may raise the number of approvals.
    #[serde(default)]
    pub facts: Option<RiskFacts>,
    /// What the repository says about approvals, at the commit that was planned for.
    #[serde(default)]
    pub approvals: Box<RepoApprovals>,
    /// The last edit of the SPEC at the open gate.
    #[serde(default)]
    pub edit: Option<SpecEdit>,
    /// How many revisions' numbers were given to edits, whether those were approved or not.
    #[serde(default)]
    pub edits: u32,
    /// The last number that was given to an edit.
    #[serde(default)]
    pub edited: Option<Revision>,
    /// The revision that came before this one, if it was stored.
    #[serde(default)]
    pub previous_revision: Option<Revision>,
    /// Comments that the next revision must take into account.
    #[serde(default)]
    pub plan_feedback: Option<String>,
    /// The attempt that runs or comes next.
    pub attempt: Attempt,
    /// What the attempt is for.
    pub phase: Phase,
    /// Repairs made since the last review.
    pub repairs: u32,
    /// Rounds of review made.
    pub review_rounds: u32,
    /// Amendments of an approved SPEC that an agent's request led to.
    #[serde(default)]
    pub scope_changes: u32,
    /// Why the last attempt was not good enough, in words for the agent.
    #[serde(default)]
    pub run_feedback: Option<String>,
    /// The last attempt whose bundle was written.
    #[serde(default)]
    pub prepared: Option<Attempt>,
    /// The last attempt whose sandbox is known to have ended.
    #[serde(default)]
    pub run_ended: Option<Attempt>,
    /// How many connections that agent's sandbox did not let through.
    #[serde(default)]
    pub refused_connections: u64,
    /// The commit that the attempt's workspace is made from.
    #[serde(default)]
    pub run_base: Option<CommitSha>,
    /// The verified change set of the attempt.
    #[serde(default)]
    pub changes: Option<ChangesRef>,
    /// The attempt's QA result.
    #[serde(default)]
    pub qa: Option<QaRef>,
    /// The gate that is open.
    #[serde(default)]
    pub open_gate: Option<GateId>,
    /// How many SPEC gates there were.
    pub spec_gates: u32,
    /// How many pull request gates there were.
    pub pr_gates: u32,
    /// The pull request.
    #[serde(default)]
    pub pr: Option<PullRequestRef>,
    /// What was spent.
    pub ledger: Ledger,
    /// What figures about many workflows are made from.
    #[serde(default)]
    pub stats: Box<Stats>,
    /// Somebody asked to stop.
    #[serde(default)]
    pub cancel_requested: Option<String>,
    /// Why it ended as it did, in words for people.
    #[serde(default)]
    pub reason: Option<String>,
    /// What broke, in state `ERROR`.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// The state that it was in when it ended.
    #[serde(default)]
    pub ended_in: Option<WorkflowState>,
    /// Whether nobody decided at the last gate in time.
    #[serde(default)]
    pub gate_expired: bool,
    /// That it was resumed after an end, the last time.
    #[serde(default)]
    pub resumed: Option<Resumption>,
    /// The end of the audit trail.
    pub audit: AuditHead,
    /// Number of the last outbox row.
    pub outbox_seq: u64,
}

/// The parts of a ticket that the row repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSummary {
    /// Which ticket.
    pub key: TicketKey,
    /// The version that the workflow works from.
    pub version: u64,
    /// [`Ticket::content_digest`].
    pub digest: Digest,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// How urgent.
    pub priority: Priority,
    /// Whether it is labelled as a bug.
    pub is_bug: bool,
    /// Who asked.
    pub requester: Person,
    /// The repository.
    pub repository: Repository,
    /// The branch to start from and merge into.
    pub base_branch: String,
}

impl From<&Ticket> for TicketSummary {
    fn from(ticket: &Ticket) -> Self {
        Self {
            key: ticket.key.clone(),
            version: ticket.version,
            digest: ticket.content_digest(),
            title: ticket.title.clone(),
            url: ticket.url.clone(),
            priority: ticket.priority,
            is_bug: ticket.is_bug(),
            requester: ticket.reporter.clone(),
            repository: ticket.repository.clone(),
            base_branch: ticket.base_branch.clone(),
        }
    }
}

/// How often a workflow may go round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundLimits {
    /// Revisions of the SPEC after the first.
    pub plan_revisions: u32,
    /// Repairs after failed verification or QA, per round of review.
    pub repairs: u32,
    /// Rounds of review after the first pull request.
    pub review_rounds: u32,
    /// Requests of the agent for more files that are put before people.
    #[serde(default = "RoundLimits::default_scope_changes")]
    pub scope_changes: u32,
}

impl RoundLimits {
    /// What workflows have that were begun before there was a limit.
    const fn default_scope_changes() -> u32 {
        2
    }
}

impl Default for RoundLimits {
    fn default() -> Self {
        Self { plan_revisions: 3, repairs: 2, review_rounds: 3, scope_changes: Self::default_scope_changes() }
    }
}

/// A stored SPEC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecRef {
    /// Its digest.
    pub digest: Digest,
    /// The commit it was written for.
    pub base_commit: CommitSha,
    /// Whether the gate approved it.
    pub approved: bool,
}

/// A stored, verified change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesRef {
    /// Whose.
    pub attempt: Attempt,
    /// Digest of the archive.
    pub digest: Digest,
    /// The commit below it.
    pub base_commit: CommitSha,
}

/// A stored QA report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QaRef {
    /// Whose.
    pub attempt: Attempt,
    /// Whether nothing blocks.
    pub passed: bool,
    /// Digest of the JSON report.
    pub report: Digest,
    /// How many findings about the tests people should look at.
    #[serde(default)]
    pub findings: u32,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// Its head, which is what was tested.
    pub head_sha: CommitSha,
    /// The head's tree.
    pub tree_sha: CommitSha,
    /// The merge commit.
    #[serde(default)]
    pub merge_sha: Option<CommitSha>,
}

impl Workflow {
    /// A new workflow and the first entry of its audit trail.
    ///
    /// # Errors
    /// Only when the entry has no canonical form, which cannot happen for valid input.
    pub fn create(
        id: WorkflowId,
        ticket: &Ticket,
        limits: RoundLimits,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(Self, AuditEntry), serde_json::Error> {
        let summary = TicketSummary::from(ticket);
        let event = Event::Created { ticket_version: summary.version, ticket_digest: summary.digest };
        let mut workflow = Self {
            audit: AuditHead::empty(&id),
            id,
            version: 1,
            state: WorkflowState::Pending,
            ticket: summary,
            limits,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
            spec: None,
            facts: None,
            approvals: Box::default(),
            edit: None,
            edits: 0,
            edited: None,
            previous_revision: None,
            plan_feedback: None,
            attempt: Attempt::FIRST,
            phase: Phase::Build,
            repairs: 0,
            review_rounds: 0,
            scope_changes: 0,
            run_feedback: None,
            prepared: None,
            run_ended: None,
            refused_connections: 0,
            run_base: None,
            changes: None,
            qa: None,
            open_gate: None,
            spec_gates: 0,
            pr_gates: 0,
            pr: None,
            ledger: Ledger::default(),
            stats: Box::new(Stats { entered_at: Some(now), ..Stats::default() }),
            cancel_requested: None,
            reason: None,
            failure: None,
            ended_in: None,
            gate_expired: false,
            resumed: None,
            outbox_seq: 0,
        };
        let entry = workflow.entry(WorkflowState::Pending, actor, event, now)?;
        workflow.audit = AuditHead { seq: entry.seq, hash: entry.hash };
        Ok((workflow, entry))
    }

    /// The audit entry that follows this row's head.
    fn entry(
        &self,
        from: WorkflowState,
        actor: Actor,
        event: Event,
        now: Timestamp,
    ) -> Result<AuditEntry, serde_json::Error> {
        let mut entry = AuditEntry {
            workflow_id: self.id.clone(),
            seq: self.audit.seq + 1,
            at: now,
            actor,
            from,
            to: self.state,
            event,
            previous: self.audit.hash,
            hash: self.audit.hash,
        };
        entry.hash = entry.compute_hash()?;
        Ok(entry)
    }
}

#[cfg(test)]
mod tests;

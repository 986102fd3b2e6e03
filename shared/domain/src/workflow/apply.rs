//! What each event does to the row.

use jiff::Timestamp;

use super::{ChangesRef, Event, PullRequestRef, QaRef, SpecRef, Workflow};
use crate::audit::{AuditEntry, AuditHead};
use crate::budget::Phase;
use crate::digest::Digest;
use crate::gate::{GateKind, GateStatus, Stage, Verdict};
use crate::ids::{Attempt, Revision};
use crate::outbox::{Notice, OutboxChannel, OutboxMessage};
use crate::person::Actor;
use crate::state::WorkflowState as S;
use crate::ticket::TicketStatus;

/// Longest feedback that is kept for the next attempt or revision, bytes.
const MAX_FEEDBACK_BYTES: usize = 24_000;

/// What must be written together.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The row after the event; its `version` is one higher.
    pub workflow: Workflow,
    /// The version that the stored row must still have.
    pub expected_version: u64,
    /// The next entry of the audit trail.
    pub entry: AuditEntry,
    /// New outbox rows with their numbers.
    pub outbox: Vec<(u64, OutboxMessage)>,
}

/// Why an event cannot happen to a workflow.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The state does not allow it: the workflow ended or went another way meanwhile.
    #[error("a workflow in state {state} cannot take the event {event}")]
    NotAllowed {
        /// The state.
        state: S,
        /// The event's name.
        event: String,
    },
    /// The event belongs to another attempt, revision or gate than the current one.
    #[error("the event {event} belongs to an earlier round of the workflow")]
    Outdated {
        /// The event's name.
        event: String,
    },
    /// The entry has no canonical form.
    #[error("the audit entry could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Workflow {
    /// Applies an event.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has happened then.
    pub fn apply(&self, event: Event, actor: Actor, now: Timestamp) -> Result<Change, ApplyError> {
        let mut next = self.clone();
        let mut notices = Vec::new();
        next.take(&event, &mut notices)?;
        let resumes = matches!(event, Event::Resumed { .. }) && self.state.can_resume_as(next.state);
        if next.state != self.state && !self.state.can_become(next.state) && !resumes {
            return Err(not_allowed(self, &event));
        }
        if next.state.is_terminal() && !self.state.is_terminal() {
            next.open_gate = None;
            next.ended_in = Some(self.state);
            notices.push((OutboxChannel::Ticket, ended(&next)));
        }
        let followed = event.is_followed() || next.state.is_terminal();
        next.stats.take(self, next.state, &event, now);
        next.version += 1;
        next.updated_at = now;
        let entry = next.entry(self.state, actor, event, now)?;
        next.audit = AuditHead { seq: entry.seq, hash: entry.hash };
        if followed {
            notices.push((OutboxChannel::Slack, Notice::Recorded { entry: entry.seq }));
        }
        let mut outbox = Vec::new();
        for (channel, notice) in notices {
            next.outbox_seq += 1;
            outbox.push((next.outbox_seq, OutboxMessage { channel, notice }));
        }
        Ok(Change { workflow: next, expected_version: self.version, entry, outbox })
    }

    /// Whether another attempt is allowed after a failed one.
    pub fn may_repair(&self) -> bool {
        self.repairs < self.limits.repairs
    }

    /// The number of the next revision of the SPEC. One that was given to an edit is not given again, also when that
    /// edit was not approved: something is stored under it.
    pub fn next_revision(&self) -> Revision {
        self.edited.map_or(self.revision, |edited| edited.max(self.revision)).next()
    }

    /// Whether another revision of the SPEC is allowed. Amendments that the agent asked for and edits that people made
    /// do not count.
    pub fn may_revise(&self) -> bool {
        self.revision.get().saturating_sub(self.scope_changes + self.edits) <= self.limits.plan_revisions
    }

    /// Whether another request of the agent for more files may be put before people.
    pub fn may_change_scope(&self) -> bool {
        self.scope_changes < self.limits.scope_changes
    }

    /// Whether there is a SPEC that a gate has to be opened for: a plan's, or an amendment that the agent asked for.
    pub fn spec_gate_is_due(&self) -> bool {
        let undecided = self.spec.as_ref().is_some_and(|spec| !spec.approved);
        undecided && matches!(self.state, S::Planning | S::Executing)
    }

    /// Whether another round of review is allowed.
    pub fn may_review_again(&self) -> bool {
        self.review_rounds < self.limits.review_rounds
    }

    fn take(&mut self, event: &Event, notices: &mut Vec<(OutboxChannel, Notice)>) -> Result<(), ApplyError> {
        let allowed = |when: bool| if when { Ok(()) } else { Err(()) };
        let live = !self.state.is_terminal();
        let executing = self.state == S::Executing && !self.spec_gate_is_due();
        let checked = match event {
            Event::Created { .. } => Err(()),
            // Who resumes the work wants the text as it is then.
            Event::TicketUpdated { .. } => allowed(live || self.may_resume()),
            Event::CancelRequested { .. } => allowed(live),
            Event::Resumed { resumption, .. } => allowed(self.resume_points().contains(&resumption.from)),
            Event::PlanningStarted { .. } => allowed(matches!(self.state, S::Pending | S::Planning)),
            Event::SpecProposed { .. } | Event::FoundUnsuitable { .. } => allowed(self.state == S::Planning),
            Event::GateOpened { kind: GateKind::Spec, .. } => allowed(self.spec_gate_is_due()),
            Event::GateOpened { kind: GateKind::Pr, .. } => allowed(self.state == S::PrCreated),
            Event::GateDecided { kind: GateKind::Spec, .. } => allowed(self.state == S::AwaitingSpecApproval),
            Event::GateDecided { kind: GateKind::Pr, .. } | Event::MergeConflict { .. } => {
                allowed(self.state == S::AwaitingPrApproval)
            }
            Event::GateApproved { kind, .. }
            | Event::GateStage { kind, .. }
            | Event::GateExtended { kind, .. }
            | Event::GateDelegated { kind, .. }
            | Event::CodeRequested { kind, .. } => allowed(self.state == awaiting(*kind)),
            Event::SpecEdited { edit, .. } => {
                let asked = self.spec.as_ref().is_some_and(|spec| spec.digest == edit.of);
                allowed(self.state == S::AwaitingSpecApproval && asked && edit.revision >= self.next_revision())
            }
            Event::SpecReplaced { .. } => allowed(self.state == S::AwaitingSpecApproval),
            Event::SpecWentStale { .. } => allowed(matches!(self.state, S::SpecApproved)),
            Event::RunPrepared { .. } => allowed(executing || self.state == S::SpecApproved),
            Event::RunEnded { .. } | Event::ChangesVerified { .. } => allowed(executing),
            Event::ScopeChangeProposed { .. } => allowed(executing && self.may_change_scope()),
            Event::ScopeChangeRefused { .. } => allowed(executing),
            Event::AttemptFailed { .. } => allowed(executing || self.state == S::QaRunning),
            Event::QaFinished { .. } => allowed(self.state == S::QaRunning),
            Event::PrPublished { .. } => allowed(matches!(self.state, S::QaRunning)),
            Event::PrMerged { .. } => allowed(self.state == S::AwaitingPrApproval),
            Event::PrClosed { .. } => allowed(matches!(self.state, S::AwaitingPrApproval | S::PrCreated)),
            Event::Completed => allowed(self.state == S::Merged),
            Event::Cancelled => allowed(live && self.cancel_requested.is_some() && self.state != S::Merged),
            Event::Failed { .. } => allowed(live),
        };
        if checked.is_err() {
            return Err(not_allowed(self, event));
        }
        self.check_round(event)?;
        self.change(event, notices);
        Ok(())
    }

    /// A late result of an earlier round never counts.
    fn check_round(&self, event: &Event) -> Result<(), ApplyError> {
        let current = match event {
            Event::PlanningStarted { revision } | Event::SpecProposed { revision, .. } => *revision == self.revision,
            Event::ScopeChangeProposed { attempt, revision, .. } => {
                *attempt == self.attempt && *revision == self.next_revision()
            }
            Event::RunPrepared { attempt, .. }
            | Event::RunEnded { attempt, .. }
            | Event::ScopeChangeRefused { attempt, .. }
            | Event::ChangesVerified { attempt, .. }
            | Event::AttemptFailed { attempt, .. }
            | Event::QaFinished { attempt, .. } => *attempt == self.attempt,
            Event::GateDecided { gate, .. }
            | Event::GateApproved { gate, .. }
            | Event::GateStage { gate, .. }
            | Event::GateExtended { gate, .. }
            | Event::GateDelegated { gate, .. }
            | Event::CodeRequested { gate, .. }
            | Event::SpecReplaced { gate, .. } => self.open_gate.as_ref() == Some(gate),
            Event::TicketUpdated { ticket_version, .. } => *ticket_version > self.ticket.version,
            Event::Resumed { resumption, .. } => resumption.number == self.execution().resumption + 1,
            _ => true,
        };
        if current { Ok(()) } else { Err(ApplyError::Outdated { event: name(event) }) }
    }

    fn change(&mut self, event: &Event, notices: &mut Vec<(OutboxChannel, Notice)>) {
        match event {
            Event::Created { .. } => {}
            Event::TicketUpdated { ticket_version, ticket_digest } => {
                self.ticket.version = *ticket_version;
                self.ticket.digest = *ticket_digest;
            }
            Event::CancelRequested { reason } => self.cancel_requested = Some(shorten(reason)),
            Event::Resumed { resumption, comment } => {
                notices.push((OutboxChannel::Ticket, Notice::Resumed { from: resumption.from }));
                self.resume(*resumption, comment.as_deref());
            }
            Event::PlanningStarted { .. } => {
                if self.state == S::Pending {
                    notices.push((OutboxChannel::Ticket, Notice::WorkStarted));
                }
                self.state = S::Planning;
            }
            Event::SpecProposed { spec_digest, base_commit, usage, facts, approvals, .. } => {
                self.ledger.add(Phase::Plan, *usage);
                self.spec = Some(SpecRef { digest: *spec_digest, base_commit: base_commit.clone(), approved: false });
                self.facts = Some(*facts);
                self.approvals.clone_from(approvals);
            }
            Event::FoundUnsuitable { reason, usage } => {
                self.ledger.add(Phase::Plan, *usage);
                self.end(S::NotSuitable, reason);
            }
            Event::GateOpened { gate, kind, .. } => self.open_gate(gate, *kind, notices),
            Event::GateDecided { gate, kind, status, verdict, comment } => {
                self.open_gate = None;
                self.gate_expired = *status == GateStatus::Expired;
                notices.push((OutboxChannel::Delivery, Notice::GateDecided { gate: gate.clone() }));
                match kind {
                    GateKind::Spec => {
                        if let Verdict::ApproveEdited { revision, spec_digest } = verdict {
                            self.take_edit(*revision, *spec_digest);
                        }
                        self.edit = None;
                        self.decide_spec(*status, comment.as_deref());
                    }
                    GateKind::Pr => self.decide_pr(*status, verdict, comment.as_deref()),
                }
            }
            Event::GateApproved { .. } | Event::GateExtended { .. } => {}
            Event::GateStage { gate, stage, .. } => {
                let notice = Notice::GateStillOpen { gate: gate.clone(), stage: *stage };
                notices.push((OutboxChannel::Email, notice));
            }
            Event::CodeRequested { gate, to, link, number, .. } => {
                let notice = Notice::CodeRequested { gate: gate.clone(), to: to.clone(), link: *link, number: *number };
                notices.push((OutboxChannel::Email, notice));
            }
            Event::GateDelegated { gate, to, .. } => {
                let notice = Notice::GateDelegated { gate: gate.clone(), to: to.clone() };
                notices.push((OutboxChannel::Email, notice));
            }
            Event::SpecEdited { edit, .. } => {
                self.edits += 1;
                self.edited = Some(edit.revision);
                self.edit = Some(edit.clone());
            }
            Event::SpecReplaced { gate, revision, spec_digest, .. } => {
                self.take_edit(*revision, *spec_digest);
                let notice = Notice::GateStillOpen { gate: gate.clone(), stage: Stage::Asked };
                notices.push((OutboxChannel::Email, notice));
            }
            Event::SpecWentStale { reason } => self.plan_again(reason),
            Event::RunPrepared { attempt, base_commit } => {
                self.state = S::Executing;
                self.prepared = Some(*attempt);
                self.run_base = Some(base_commit.clone());
            }
            Event::RunEnded { attempt, usage, refused_connections, .. } => {
                self.refused_connections = *refused_connections;
                self.run_ended = Some(*attempt);
                self.ledger.add(self.phase, *usage);
            }
            Event::ChangesVerified { attempt, digest, .. } => {
                self.state = S::QaRunning;
                self.keep_changes(*attempt, Some(*digest));
            }
            Event::ScopeChangeProposed {
                attempt, revision, spec_digest, base_commit, added, kept, feedback, ..
            } => {
                self.scope_changes += 1;
                if let Some(facts) = &mut self.facts {
                    let count = |files: usize| u32::try_from(files).unwrap_or(u32::MAX);
                    facts.files += count(added.len());
                    facts.protected_files += count(added.iter().filter(|file| file.protection.is_some()).count());
                }
                self.previous_revision = Some(self.revision);
                self.revision = *revision;
                self.spec = Some(SpecRef { digest: *spec_digest, base_commit: base_commit.clone(), approved: false });
                self.keep_changes(*attempt, *kept);
                self.next_attempt(self.phase, feedback);
            }
            Event::ScopeChangeRefused { attempt, reason, kept, .. } => {
                self.keep_changes(*attempt, *kept);
                self.fail_attempt(reason);
            }
            Event::AttemptFailed { reason, .. } => self.fail_attempt(reason),
            Event::QaFinished { attempt, passed, report, findings, .. } => {
                self.qa = Some(QaRef { attempt: *attempt, passed: *passed, report: *report, findings: *findings });
            }
            Event::PrPublished { number, url, branch, head_sha, tree_sha } => {
                self.state = S::PrCreated;
                self.pr = Some(PullRequestRef {
                    number: *number,
                    url: url.clone(),
                    branch: branch.clone(),
                    head_sha: head_sha.clone(),
                    tree_sha: tree_sha.clone(),
                    merge_sha: None,
                });
            }
            Event::MergeConflict { reason } => {
                self.review_again(&format!("The pull request no longer merges: {reason}"));
            }
            Event::PrMerged { merge_sha } => {
                self.state = S::Merged;
                if let Some(pr) = &mut self.pr {
                    pr.merge_sha = Some(merge_sha.clone());
                }
            }
            Event::PrClosed { reason } => self.end(S::PrClosed, reason),
            Event::Completed => self.state = S::Completed,
            Event::Cancelled => {
                let reason = self.cancel_requested.clone().unwrap_or_default();
                self.end(S::Cancelled, &reason);
            }
            Event::Failed { failure } => {
                self.failure = Some(failure.clone());
                self.end(S::Error, &failure.message);
            }
        }
    }

    /// An approver's edit is the SPEC from now on.
    fn take_edit(&mut self, revision: Revision, digest: Digest) {
        self.previous_revision = Some(self.revision);
        self.revision = revision;
        if let Some(spec) = &mut self.spec {
            spec.digest = digest;
        }
        if let Some(edit) = self.edit.take() {
            self.facts = Some(edit.facts);
        }
    }

    /// Notes a verified change set; without one, that of an earlier attempt stays.
    fn keep_changes(&mut self, attempt: Attempt, digest: Option<Digest>) {
        if let (Some(digest), Some(base_commit)) = (digest, self.run_base.clone()) {
            self.changes = Some(ChangesRef { attempt, digest, base_commit });
        }
    }

    fn end(&mut self, state: S, reason: &str) {
        self.state = state;
        self.reason = Some(shorten(reason));
    }

    fn open_gate(&mut self, gate: &crate::GateId, kind: GateKind, notices: &mut Vec<(OutboxChannel, Notice)>) {
        self.open_gate = Some(gate.clone());
        let notice = match kind {
            GateKind::Spec => {
                self.spec_gates += 1;
                self.state = S::AwaitingSpecApproval;
                Notice::SpecAwaitsApproval { gate: gate.clone(), revision: self.revision }
            }
            GateKind::Pr => {
                self.pr_gates += 1;
                self.state = S::AwaitingPrApproval;
                Notice::PrAwaitsApproval { gate: gate.clone() }
            }
        };
        notices.push((OutboxChannel::Email, notice.clone()));
        notices.push((OutboxChannel::Ticket, notice));
    }

    fn decide_spec(&mut self, status: GateStatus, comment: Option<&str>) {
        match status {
            GateStatus::Pending => {}
            GateStatus::Approved => {
                self.state = S::SpecApproved;
                if let Some(spec) = &mut self.spec {
                    spec.approved = true;
                }
            }
            GateStatus::RevisionRequested => self.plan_again(comment.unwrap_or_default()),
            GateStatus::Rejected => {
                self.end(S::SpecRejected, &format!("The SPEC was rejected: {}", comment.unwrap_or_default()));
            }
            GateStatus::Expired => {
                self.end(S::SpecRejected, "Nobody decided on the SPEC in time (expired).");
            }
            GateStatus::Cancelled => {
                // Without a request the gate was closed because the workflow is ending for another reason, which follows.
                if let Some(reason) = self.cancel_requested.clone() {
                    self.end(S::Cancelled, &reason);
                }
            }
        }
    }

    fn decide_pr(&mut self, status: GateStatus, verdict: &Verdict, comment: Option<&str>) {
        match (status, verdict) {
            // The publisher merges or closes and then says so; what the host did already is a fact now.
            (GateStatus::Approved, Verdict::MergedAtHost { merge_sha }) => {
                self.state = S::Merged;
                if let Some(pr) = &mut self.pr {
                    pr.merge_sha = Some(merge_sha.clone());
                }
            }
            (GateStatus::RevisionRequested, _) => {
                self.review_again(&format!("A reviewer asked for changes:\n{}", comment.unwrap_or_default()));
            }
            (_, Verdict::ClosedAtHost) => {
                self.end(S::PrClosed, comment.unwrap_or("The pull request was closed on GitHub."));
            }
            (GateStatus::Rejected, _) => {
                self.reason = Some(shorten(&format!("The pull request was rejected: {}", comment.unwrap_or_default())));
            }
            (GateStatus::Expired, _) => {
                self.reason = Some("Nobody decided on the pull request in time (expired).".to_owned());
            }
            (GateStatus::Pending | GateStatus::Approved | GateStatus::Cancelled, _) => {}
        }
    }

    /// What attempts under the last plan left may be outside the next one: it is built anew.
    pub(super) fn plan_again(&mut self, feedback: &str) {
        self.phase = Phase::Build;
        self.repairs = 0;
        self.changes = None;
        self.run_feedback = None;
        self.state = S::Planning;
        self.previous_revision = self.spec.as_ref().map(|_| self.revision);
        self.revision = self.next_revision();
        self.spec = None;
        self.facts = None;
        self.plan_feedback = Some(shorten(feedback));
    }

    fn review_again(&mut self, feedback: &str) {
        if self.may_review_again() {
            self.state = S::Executing;
            self.review_rounds += 1;
            self.repairs = 0;
            self.next_attempt(Phase::Review, feedback);
        } else {
            self.reason = Some(shorten(&format!(
                "{feedback}\nThe limit of {} rounds of review is reached.",
                self.limits.review_rounds
            )));
        }
    }

    fn fail_attempt(&mut self, reason: &str) {
        if self.may_repair() {
            self.state = S::Executing;
            self.repairs += 1;
            self.next_attempt(Phase::Repair, reason);
        } else {
            self.end(S::QaFailed, &format!("{reason}\nThe limit of {} repairs is reached.", self.limits.repairs));
        }
    }

    pub(super) fn next_attempt(&mut self, phase: Phase, feedback: &str) {
        self.attempt = self.attempt.next();
        self.phase = phase;
        self.run_feedback = Some(shorten(feedback));
    }
}

/// The state in which a gate of this kind is open.
const fn awaiting(kind: GateKind) -> S {
    match kind {
        GateKind::Spec => S::AwaitingSpecApproval,
        GateKind::Pr => S::AwaitingPrApproval,
    }
}

fn ended(workflow: &Workflow) -> Notice {
    let status = match workflow.state {
        S::Completed => TicketStatus::Done,
        S::Cancelled => TicketStatus::Cancelled,
        _ => TicketStatus::Blocked,
    };
    Notice::Ended { state: workflow.state, status, reason: workflow.reason.clone() }
}

fn name(event: &Event) -> String {
    let value = serde_json::to_value(event).unwrap_or_default();
    value.get("type").and_then(|name| name.as_str()).unwrap_or("unknown").to_owned()
}

fn not_allowed(workflow: &Workflow, event: &Event) -> ApplyError {
    ApplyError::NotAllowed { state: workflow.state, event: name(event) }
}

/// Cuts a text to [`MAX_FEEDBACK_BYTES`] at a character's border.
pub(super) fn shorten(text: &str) -> String {
    let text = text.trim();
    if text.len() <= MAX_FEEDBACK_BYTES {
        return text.to_owned();
    }
    let mut end = MAX_FEEDBACK_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n[shortened]", &text[..end])
}

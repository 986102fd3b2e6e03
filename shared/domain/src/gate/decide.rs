//! The rules of a decision. Pure functions: production, tests and the model of the gate all run these.

use jiff::{SignedDuration, Timestamp};

use super::{
    Approval, Decision, DecisionRequest, Delegation, Gate, GateKind, GateStatus, Refusal, Standing, Subject, Verdict,
};
use crate::person::{Actor, Channel, Person};

/// The longest that a gate may stay open, however often its time is extended. The state machine waits a little longer.
pub const MAX_OPEN: SignedDuration = SignedDuration::from_hours(60 * 24);
/// How often one gate may be handed on.
const MAX_DELEGATIONS: usize = 10;

impl Gate {
    /// Decides, or counts an approval towards a decision, or says why the request does not count. The gate that comes
    /// back is still pending where more approvals are needed.
    ///
    /// # Errors
    /// A [`Refusal`]; the gate is as it was.
    pub fn decide(&self, request: DecisionRequest, now: Timestamp) -> Result<Self, Refusal> {
        if self.status != GateStatus::Pending {
            return Err(Refusal::AlreadyDecided { status: self.status });
        }
        self.check_time(&request.verdict, now)?;
        self.check_person(&request)?;
        let comment = request.words()?;
        if matches!(request.verdict, Verdict::Revise | Verdict::Reject) && comment.is_none() {
            return Err(Refusal::CommentMissing);
        }
        let mut next = Self { version: self.version + 1, ..self.clone() };
        if let Verdict::ApproveEdited { revision, spec_digest } = &request.verdict {
            next.replace_spec(*revision, *spec_digest)?;
        }
        if request.verdict.is_approval() {
            next.approvals.push(Approval { by: request.by.clone(), at: now, comment: comment.clone() });
            if next.missing_approvals() > 0 {
                return Ok(next);
            }
        }
        next.status = request.verdict.status();
        next.decision = Some(Decision { verdict: request.verdict, by: request.by, at: now, comment });
        Ok(next)
    }

    /// How many approvals are still missing.
    pub fn missing_approvals(&self) -> u32 {
        self.quorum.required.max(1).saturating_sub(u32::try_from(self.approvals.len()).unwrap_or(u32::MAX))
    }

    /// Gives people more time, until `due_at`.
    ///
    /// # Errors
    /// A [`Refusal`]; the gate is as it was.
    pub fn extend(&self, by: &Actor, due_at: Timestamp, now: Timestamp) -> Result<Self, Refusal> {
        self.check_open(now)?;
        self.check_asked(by)?;
        let latest = self.created_at.saturating_add(MAX_OPEN).unwrap_or(Timestamp::MAX);
        if due_at <= self.due_at || due_at > latest {
            return Err(Refusal::DeadlineRefused { latest });
        }
        Ok(Self { version: self.version + 1, due_at, ..self.clone() })
    }

    /// Asks somebody more: one who is asked hands the question on. `roster` is who may be asked at all, besides those
    /// whom the gate's row names.
    ///
    /// # Errors
    /// A [`Refusal`]; the gate is as it was.
    pub fn delegate(&self, by: &Actor, to: &Person, roster: &[Person], now: Timestamp) -> Result<Self, Refusal> {
        self.check_open(now)?;
        self.check_asked(by)?;
        // The roster's entry and not the caller's: what else they said about that person is not known to be true.
        let known = roster.iter().chain(&self.escalation).find(|person| person.is_same(to));
        let asked = self.approvers.iter().any(|person| person.is_same(to));
        let Some(person) = known.filter(|person| !asked && !self.requester.is_same(person)) else {
            return Err(Refusal::DelegateRefused);
        };
        if self.delegations.len() >= MAX_DELEGATIONS {
            return Err(Refusal::DelegateRefused);
        }
        let mut next = Self { version: self.version + 1, ..self.clone() };
        next.approvers.push(person.clone());
        next.delegations.push(Delegation { from: by.clone(), to: person.clone(), at: now });
        Ok(next)
    }

    /// The edited SPEC takes the place of the one that was asked about; whoever approved that has not approved this.
    fn replace_spec(&mut self, edited: crate::Revision, digest: crate::Digest) -> Result<(), Refusal> {
        let Subject::Spec { revision, spec_digest, .. } = &mut self.subject else { return Err(Refusal::WrongVerdict) };
        if edited <= *revision {
            return Err(Refusal::EditUnknown);
        }
        (*revision, *spec_digest) = (edited, digest);
        self.subject_digest = self.subject.digest().map_err(|_| Refusal::EditUnknown)?;
        self.approvals.clear();
        Ok(())
    }

    fn check_open(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            GateStatus::Pending if now < self.due_at => Ok(()),
            GateStatus::Pending => Err(Refusal::Due { due_at: self.due_at }),
            status => Err(Refusal::AlreadyDecided { status }),
        }
    }

    fn check_asked(&self, by: &Actor) -> Result<(), Refusal> {
        match by {
            Actor::Person { person, .. } if self.standing(person) != Standing::NotAsked => Ok(()),
            _ => Err(Refusal::NotAnApprover),
        }
    }

    fn check_time(&self, verdict: &Verdict, now: Timestamp) -> Result<(), Refusal> {
        let due = now >= self.due_at;
        match verdict {
            Verdict::Expire if !due => Err(Refusal::NotDue { due_at: self.due_at }),
            verdict if verdict.is_by_people() && due => Err(Refusal::Due { due_at: self.due_at }),
            _ => Ok(()),
        }
    }

    fn check_person(&self, request: &DecisionRequest) -> Result<(), Refusal> {
        let host_fact = matches!(request.verdict, Verdict::MergedAtHost { .. } | Verdict::ClosedAtHost);
        if host_fact && self.subject.kind() != GateKind::Pr {
            return Err(Refusal::WrongVerdict);
        }
        match &request.by {
            Actor::System { .. } if request.verdict.is_by_people() => Err(Refusal::NotAnApprover),
            Actor::System { .. } => Ok(()),
            // What happened at the code host has happened, whoever did it: the host's own rules allowed it.
            Actor::Person { channel: Channel::GitHub, .. } if host_fact => Ok(()),
            Actor::Person { .. } if host_fact || request.verdict == Verdict::Expire => Err(Refusal::WrongVerdict),
            // Whoever may cancel the ticket in its tracker may cancel here.
            Actor::Person { .. } if request.verdict == Verdict::Cancel => Ok(()),
            Actor::Person { person, channel } => {
                // Whom the code host lets review may send a change back there. An approval comes from who is asked.
                let host_review = *channel == Channel::GitHub
                    && self.subject.kind() == GateKind::Pr
                    && request.verdict == Verdict::Revise;
                if !host_review {
                    self.check_asked(&request.by)?;
                }
                if request.verdict.is_approval() {
                    self.check_approval(person, &request.verdict)?;
                }
                if request.subject_digest != Some(self.subject_digest) {
                    return Err(Refusal::SubjectChanged);
                }
                Ok(())
            }
        }
    }

    fn check_approval(&self, person: &Person, verdict: &Verdict) -> Result<(), Refusal> {
        if self.requester.is_same(person) {
            return Err(Refusal::RequesterCannotApprove);
        }
        // An edit is another SPEC: one's approval of the first is not one of it.
        if *verdict == Verdict::Approve && self.has_approval_of(person) {
            return Err(Refusal::AlreadyApproved { missing: self.missing_approvals() });
        }
        Ok(())
    }
}

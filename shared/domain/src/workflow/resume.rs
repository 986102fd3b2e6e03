//! Going on with a workflow that ended without its result. It stays the same workflow: the approved SPEC, its digest and
//! who approved it, the audit trail, the branch and what was spent. Only what failed is done again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Workflow;
use crate::budget::Phase;
use crate::ids::WorkflowId;
use crate::state::{RESUMPTIONS, WorkflowState as S};

/// From where an ended workflow goes on. The order is the one of the work: what comes later repeats less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumePoint {
    /// Plan the ticket anew, with what was said about the last plan.
    Plan,
    /// Ask people about the SPEC that is there.
    AskSpec,
    /// Run the agent again under the approved SPEC.
    Run,
    /// Run the quality gates on the verified change set.
    Check,
    /// Publish what passed the quality gates.
    Publish,
    /// Ask people about the pull request that is there.
    AskPr,
}

impl ResumePoint {
    /// Every point.
    pub const ALL: [Self; 6] = [Self::Plan, Self::AskSpec, Self::Run, Self::Check, Self::Publish, Self::AskPr];

    /// Its name, as stored and sent: `ask_spec`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::AskSpec => "ask_spec",
            Self::Run => "run",
            Self::Check => "check",
            Self::Publish => "publish",
            Self::AskPr => "ask_pr",
        }
    }

    /// What is done, in words for people: "run the coding agent again under the approved plan".
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Plan => "plan the ticket anew",
            Self::AskSpec => "ask again about the plan that is there",
            Self::Run => "run the coding agent again under the approved plan",
            Self::Check => "run the checks again on the change that is there",
            Self::Publish => "publish the change that passed its checks",
            Self::AskPr => "ask again about the pull request that is there",
        }
    }
}

/// A text that names no point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no point from which a workflow can go on")]
pub struct UnknownPoint(String);

impl FromStr for ResumePoint {
    type Err = UnknownPoint;

    fn from_str(text: &str) -> Result<Self, UnknownPoint> {
        let found = Self::ALL.into_iter().find(|point| point.as_str() == text);
        found.ok_or_else(|| UnknownPoint(crate::text::one_line(text, 100)))
    }
}

/// That a workflow was resumed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// How often that was done, this time included.
    pub number: u32,
    /// From where.
    pub from: ResumePoint,
}

/// An execution of the state machine: a workflow's first, or one that resumes it. Its text is the execution's name:
/// the workflow's id, and `-r2` for the second resumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionName {
    /// Whose.
    pub workflow_id: WorkflowId,
    /// The number of the resumption; 0 for the first execution.
    pub resumption: u32,
}

/// A text that names no execution of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an execution: expected a workflow's id, and `-r<number>` if it was resumed")]
pub struct UnknownExecution(String);

impl fmt::Display for ExecutionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resumption {
            0 => self.workflow_id.fmt(f),
            number => write!(f, "{}-r{number}", self.workflow_id),
        }
    }
}

impl FromStr for ExecutionName {
    type Err = UnknownExecution;

    fn from_str(text: &str) -> Result<Self, UnknownExecution> {
        let unknown = || UnknownExecution(crate::text::one_line(text, 100));
        let (id, resumption) = match text.rsplit_once("-r") {
            Some((id, number)) => (id, number.parse().map_err(|_| unknown())?),
            None => (text, 0),
        };
        let name = Self { workflow_id: id.parse().map_err(|_| unknown())?, resumption };
        if name.to_string() == text { Ok(name) } else { Err(unknown()) }
    }
}

impl TryFrom<String> for ExecutionName {
    type Error = UnknownExecution;

    fn try_from(text: String) -> Result<Self, UnknownExecution> {
        text.parse()
    }
}

impl From<ExecutionName> for String {
    fn from(name: ExecutionName) -> Self {
        name.to_string()
    }
}

impl Workflow {
    /// The execution that carries the workflow.
    pub fn execution(&self) -> ExecutionName {
        let resumption = self.resumed.map_or(0, |resumption| resumption.number);
        ExecutionName { workflow_id: self.id.clone(), resumption }
    }

    /// Whether the workflow ended in a way after which it can be resumed.
    pub fn may_resume(&self) -> bool {
        RESUMPTIONS.iter().any(|(from, _)| *from == self.state) && self.cancel_requested.is_none()
    }

    /// What a person can do about an end without a result, in a sentence; empty where there was none.
    pub fn remedy(&self) -> &'static str {
        match (self.state, &self.failure) {
            (S::Error, Some(failure)) => failure.kind.remedy(),
            (S::Error, None) => "Look at the audit trail and the logs.",
            (S::QaFailed, _) => {
                "Read why the last attempt was refused. Mend the plan or the repository's gates, then go on."
            }
            (S::PrClosed, _) if self.gate_expired => "Nobody decided in time. Go on to ask again.",
            (S::PrClosed, _) => "Read why it was closed. Go on to have it worked on again, with your words.",
            (S::SpecRejected, _) if self.gate_expired => "Nobody decided in time. Go on to ask again.",
            (S::SpecRejected, _) => {
                "Read why the plan was rejected. Make the ticket more precise, then have it planned anew."
            }
            (S::NotSuitable, _) => "Read why. Make the ticket more precise, then have it planned anew.",
            _ => "",
        }
    }

    /// From where it can be resumed: the point at which least is repeated first. Empty where it cannot.
    pub fn resume_points(&self) -> Vec<ResumePoint> {
        if !self.may_resume() {
            return Vec::new();
        }
        let best = self.best_resume_point();
        let mut points = vec![best];
        if best > ResumePoint::Run && self.has_approved_spec() {
            points.push(ResumePoint::Run);
        }
        if best > ResumePoint::Plan {
            points.push(ResumePoint::Plan);
        }
        points
    }

    fn best_resume_point(&self) -> ResumePoint {
        let tested = self.qa.as_ref().filter(|qa| qa.passed).map(|qa| qa.attempt);
        let verified = self.changes.as_ref().map(|changes| changes.attempt);
        let passed = verified.is_some() && tested == verified;
        match (self.state, self.ended_in) {
            (S::SpecRejected, _) if self.gate_expired && self.spec.is_some() => ResumePoint::AskSpec,
            (S::SpecRejected | S::NotSuitable, _) => ResumePoint::Plan,
            (S::PrClosed, _) if self.gate_expired && passed => ResumePoint::Publish,
            (S::Error, Some(S::PrCreated | S::AwaitingPrApproval)) if self.pr.is_some() => ResumePoint::AskPr,
            (S::Error, Some(S::QaRunning)) if passed => ResumePoint::Publish,
            (S::Error, Some(S::QaRunning)) if self.has_changes_of_attempt() => ResumePoint::Check,
            _ if self.has_approved_spec() => ResumePoint::Run,
            _ if self.spec.is_some() => ResumePoint::AskSpec,
            _ => ResumePoint::Plan,
        }
    }

    /// Whether the present attempt left a change set that was verified.
    pub fn has_changes_of_attempt(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| changes.attempt == self.attempt)
    }

    fn has_approved_spec(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.approved)
    }

    /// Makes the row ready for the execution that resumes it.
    pub(super) fn resume(&mut self, resumption: Resumption, words: Option<&str>) {
        let ended = self.reason.take().unwrap_or_default();
        let told = words.map_or_else(|| ended.clone(), |words| format!("{ended}\nWho resumed the work said: {words}"));
        let was = self.state;
        self.resumed = Some(resumption);
        self.failure = None;
        self.ended_in = None;
        self.gate_expired = false;
        if matches!(was, S::PrClosed | S::SpecRejected) {
            // It was closed. What is published next becomes a pull request of its own.
            self.pr = None;
        }
        match resumption.from {
            ResumePoint::Plan if self.spec.is_some() => self.plan_again(&told),
            ResumePoint::Plan => {
                self.state = S::Planning;
                self.plan_feedback = words.map(super::apply::shorten).or_else(|| self.plan_feedback.take());
            }
            ResumePoint::AskSpec => self.state = S::Planning,
            ResumePoint::Run => {
                self.state = S::SpecApproved;
                self.repairs = 0;
                match was {
                    S::QaFailed => self.next_attempt(Phase::Repair, &told),
                    S::PrClosed => self.next_attempt(Phase::Review, &told),
                    // What an attempt left that broke off belongs to that attempt.
                    _ if self.prepared == Some(self.attempt) => {
                        let feedback = self.run_feedback.take();
                        self.attempt = self.attempt.next();
                        self.run_feedback = words.map(super::apply::shorten).or(feedback);
                    }
                    _ => {}
                }
            }
            ResumePoint::Check | ResumePoint::Publish => self.state = S::QaRunning,
            ResumePoint::AskPr => self.state = S::PrCreated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde() {
        for point in ResumePoint::ALL {
            assert_eq!(serde_json::to_value(point).unwrap(), point.as_str());
            assert_eq!(point.as_str().parse(), Ok(point));
        }
    }

    #[test]
    fn an_execution_is_named_by_its_workflow_and_the_resumption() {
        let id = "wf-0123456789abcdef0123-1";
        for (text, resumption) in [(id.to_owned(), 0), (format!("{id}-r1"), 1), (format!("{id}-r12"), 12)] {
            let name: ExecutionName = text.parse().unwrap();
            assert_eq!((name.workflow_id.as_str(), name.resumption, name.to_string()), (id, resumption, text));
        }
        for bad in
            ["", "wf-1", "-r1", &format!("{id}-r0"), &format!("{id}-r01"), &format!("{id}-r"), &format!("{id}-r-1")]
        {
            assert!(bad.parse::<ExecutionName>().is_err(), "{bad}");
        }
    }
}

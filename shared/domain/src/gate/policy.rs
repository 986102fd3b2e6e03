//! Who is asked, how many approvals it takes, and how long people have.
//!
//! The deployment's template says so for every repository. A repository's own file may name other people, ask for more
//! approvals and give less time. Risk raises the number of approvals.

use std::num::NonZeroU32;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Gate, GateKind, Roster};
use crate::person::{InvalidPerson, Person};
use crate::spec::Spec;

/// Most people on a list. A gate's rows are written in one transaction, which has room for both lists.
const MAX_PEOPLE: usize = 40;

/// What the deployment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalPolicy {
    /// Who is asked.
    pub approvers: Vec<Person>,
    /// Who is asked too when nobody decides.
    pub escalation: Vec<Person>,
    /// For a SPEC.
    pub spec: GateRule,
    /// For a pull request.
    pub pr: GateRule,
    /// Approvals that it takes at least when something raises the risk.
    pub at_risk: u32,
    /// From when on size and confidence raise it.
    pub thresholds: RiskThresholds,
}

/// How many approvals one kind of gate takes, and how long people have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateRule {
    /// Approvals.
    pub required: u32,
    /// Time, seconds.
    pub seconds: i64,
}

/// From when on size and confidence raise the risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskThresholds {
    /// More files than this.
    pub files: u32,
    /// A confidence below this, percent.
    pub confidence_percent: u32,
}

/// `[approvals]` in a repository's `.pi-tickets.toml` at the base commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepoApprovals {
    /// Who is asked, instead of those whom the deployment names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Person>,
    /// Who is asked too when nobody decides, instead of those whom the deployment names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<Person>,
    /// Approvals of a SPEC; fewer than the deployment asks for do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<NonZeroU32>,
    /// Approvals of a pull request; fewer than the deployment asks for do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr: Option<NonZeroU32>,
    /// Time for a SPEC, hours; more than the deployment gives does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_hours: Option<NonZeroU32>,
    /// Time for a pull request, hours; more than the deployment gives does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_hours: Option<NonZeroU32>,
}

/// What a SPEC says that may raise the risk. By default nothing that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskFacts {
    /// Files that it names.
    pub files: u32,
    /// Those of them that a rule protects.
    pub protected_files: u32,
    /// Packages that it adds.
    pub new_dependencies: u32,
    /// How sure the planner is, percent.
    pub confidence_percent: u32,
}

impl Default for RiskFacts {
    fn default() -> Self {
        Self { files: 0, protected_files: 0, new_dependencies: 0, confidence_percent: 100 }
    }
}

/// Why it takes more approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RiskReason {
    /// Protected files are among those that change.
    ProtectedFiles {
        /// How many.
        count: u32,
    },
    /// It adds packages.
    NewDependencies {
        /// How many.
        count: u32,
    },
    /// It is large.
    ManyFiles {
        /// How many files.
        count: u32,
    },
    /// The planner is not sure.
    LowConfidence {
        /// How sure, percent.
        percent: u32,
    },
    /// The checks found something about the tests that people should look at.
    Findings {
        /// How many.
        count: u32,
    },
    /// Nobody can say whether the requester is one of the approvers.
    UnknownRequester,
}

impl RiskReason {
    /// In words, as part of a list.
    pub fn describe(&self) -> String {
        let counted = |count: u32, one: &str, many: &str| {
            if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
        };
        match self {
            Self::ProtectedFiles { count } => counted(*count, "protected file", "protected files"),
            Self::NewDependencies { count } => counted(*count, "new dependency", "new dependencies"),
            Self::ManyFiles { count } => format!("{count} files"),
            Self::LowConfidence { percent } => format!("the planner is only {percent} % sure"),
            Self::Findings { count } => counted(*count, "finding of the checks", "findings of the checks"),
            Self::UnknownRequester => "the requester is not known by any name that approvers have".to_owned(),
        }
    }
}

/// How many approvals a gate takes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// So many.
    pub required: u32,
    /// So many were called for; more than [`Quorum::required`] where fewer people may give one.
    pub called_for: u32,
    /// What raised the number.
    pub reasons: Vec<RiskReason>,
}

impl Default for Quorum {
    fn default() -> Self {
        Self { required: 1, called_for: 1, reasons: Vec::new() }
    }
}

impl Quorum {
    /// The stricter of two.
    #[must_use]
    pub fn or_stricter(self, other: Self) -> Self {
        if other.called_for > self.called_for { other } else { self }
    }
}

/// Whom a new gate asks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who is asked.
    pub approvers: Vec<Person>,
    /// Who is asked later.
    pub escalation: Vec<Person>,
    /// Where those lists come from.
    pub roster: Roster,
    /// How many approvals it takes.
    pub quorum: Quorum,
    /// How long people have.
    pub time: SignedDuration,
}

impl Asked {
    /// One approval by any of these people within this time.
    pub fn one_of(approvers: Vec<Person>, time: SignedDuration) -> Self {
        let (escalation, roster, quorum) = (Vec::new(), Roster::default(), Quorum::default());
        Self { approvers, escalation, roster, quorum, time }
    }
}

/// What a gate is opened for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A SPEC or a pull request.
    pub kind: GateKind,
    /// What the repository's file says.
    pub repository: Option<&'a RepoApprovals>,
    /// What the SPEC says; `None` where it is not known, which raises nothing.
    pub facts: Option<RiskFacts>,
    /// Findings of the checks.
    pub findings: u32,
    /// Who asked for the change.
    pub requester: &'a Person,
}

impl ApprovalPolicy {
    /// Whom a gate asks.
    pub fn ask(&self, question: Question<'_>) -> Asked {
        let repository = question.repository.cloned().unwrap_or_default();
        let named = |own: &[Person], other: &[Person]| if own.is_empty() { other.to_vec() } else { own.to_vec() };
        let (rule, more, hours) = match question.kind {
            GateKind::Spec => (self.spec, repository.spec, repository.spec_hours),
            GateKind::Pr => (self.pr, repository.pr, repository.pr_hours),
        };
        let approvers = named(&repository.approvers, &self.approvers);
        let escalation = named(&repository.escalation, &self.escalation);
        let reasons = self.reasons(question, &approvers);
        let raised = if reasons.is_empty() { 1 } else { self.at_risk };
        let called_for = rule.required.max(more.map_or(1, NonZeroU32::get)).max(raised).max(1);
        let seconds = hours.map_or(rule.seconds, |hours| rule.seconds.min(i64::from(hours.get()) * 3_600));
        Asked {
            quorum: Quorum {
                required: called_for.min(able(&approvers, &escalation, question.requester)),
                called_for,
                reasons,
            },
            roster: if repository.approvers.is_empty() { Roster::Deployment } else { Roster::Repository },
            approvers,
            escalation,
            time: SignedDuration::from_secs(seconds),
        }
    }

    /// Everybody whom the deployment names.
    pub fn roster(&self) -> Vec<Person> {
        self.approvers.iter().chain(&self.escalation).cloned().collect()
    }

    /// Whether a person whom the gate's row names is still somebody who may be asked: a list may have changed since the
    /// gate was opened. People whom the repository named stay, as its base commit does.
    pub fn still_names(&self, gate: &Gate, person: &Person) -> bool {
        gate.roster == Roster::Repository || self.roster().iter().any(|named| named.is_same(person))
    }

    fn reasons(&self, question: Question<'_>, approvers: &[Person]) -> Vec<RiskReason> {
        let mut reasons = Vec::new();
        if let Some(facts) = question.facts {
            let RiskFacts { files, protected_files, new_dependencies, confidence_percent } = facts;
            if protected_files > 0 {
                reasons.push(RiskReason::ProtectedFiles { count: protected_files });
            }
            if new_dependencies > 0 {
                reasons.push(RiskReason::NewDependencies { count: new_dependencies });
            }
            if files > self.thresholds.files {
                reasons.push(RiskReason::ManyFiles { count: files });
            }
            if confidence_percent < self.thresholds.confidence_percent {
                reasons.push(RiskReason::LowConfidence { percent: confidence_percent });
            }
        }
        if question.findings > 0 {
            reasons.push(RiskReason::Findings { count: question.findings });
        }
        if approvers.iter().any(|approver| !approver.is_comparable(question.requester)) {
            reasons.push(RiskReason::UnknownRequester);
        }
        reasons
    }
}

/// How many people can give an approval at all; at least one, so that a gate without any stays open until its end.
fn able(approvers: &[Person], escalation: &[Person], requester: &Person) -> u32 {
    let mut able: Vec<&Person> = Vec::new();
    for person in approvers.iter().chain(escalation) {
        if !person.is_same(requester) && !able.iter().any(|other| other.is_same(person)) {
            able.push(person);
        }
    }
    u32::try_from(able.len()).unwrap_or(u32::MAX).max(1)
}

impl RiskFacts {
    /// What a SPEC says.
    pub fn of(spec: &Spec) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before")]
        let confidence_percent = (spec.text.confidence * 100.0).floor().clamp(0.0, 100.0) as u32;
        Self {
            files: count(spec.files.len()),
            protected_files: count(spec.files.iter().filter(|file| file.protection.is_some()).count()),
            new_dependencies: count(spec.text.new_dependencies.len()),
            confidence_percent,
        }
    }
}

/// Reads a list of people: entries with commas between them, as [`Person::from_text`] reads each.
///
/// # Errors
/// Says which entry is wrong, and that two are one person.
pub fn people(text: &str) -> Result<Vec<Person>, InvalidPerson> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    distinct(entries.map(Person::from_text).collect::<Result<_, _>>()?)
}

/// The same people, if they are few enough and no two are the same.
///
/// # Errors
/// Says what is wrong.
pub fn distinct(people: Vec<Person>) -> Result<Vec<Person>, InvalidPerson> {
    if people.len() > MAX_PEOPLE {
        return Err(InvalidPerson::TooMany { limit: MAX_PEOPLE });
    }
    for (at, person) in people.iter().enumerate() {
        if let Some(twin) = people[..at].iter().find(|other| other.is_same(person)) {
            return Err(InvalidPerson::Twice { first: twin.label().to_owned(), second: person.label().to_owned() });
        }
    }
    Ok(people)
}

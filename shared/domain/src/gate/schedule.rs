//! What happens at a gate while nobody decides: a reminder at half of the time, a second list of people at three
//! quarters, a last call at nine tenths, and then the end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Gate, GateStatus};
use crate::person::Person;

/// How far a gate's time has come, as far as people were told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Those who are asked know of it.
    #[default]
    Asked,
    /// They were reminded.
    Reminded,
    /// The second list is asked too.
    Escalated,
    /// They were told that the time is nearly over.
    LastCall,
}

impl Stage {
    const AFTER_ASKED: [Self; 3] = [Self::Reminded, Self::Escalated, Self::LastCall];

    /// The part of the time after which it comes, in tenths of a percent.
    const fn permille(self) -> i64 {
        match self {
            Self::Asked => 0,
            Self::Reminded => 500,
            Self::Escalated => 750,
            Self::LastCall => 900,
        }
    }

    /// The stage's name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Reminded => "reminded",
            Self::Escalated => "escalated",
            Self::LastCall => "last_call",
        }
    }
}

/// What a gate's clock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet, or nothing any more.
    Nothing,
    /// People are to be told. The gate after that; those of the second list are among its approvers from then on.
    Stage {
        /// The gate.
        gate: Box<Gate>,
        /// Whom the second list adds.
        added: Vec<Person>,
    },
    /// The time is over.
    Expiry,
}

impl Gate {
    /// When the gate's clock has to be looked at next. Only of use while it is pending.
    pub fn next_look(&self) -> Timestamp {
        let stages = Stage::AFTER_ASKED.into_iter().filter(|stage| *stage > self.stage);
        stages.map(|stage| self.reached_at(stage)).min().unwrap_or(self.due_at).min(self.due_at)
    }

    /// What is due. Stages that were missed are told as the last one of them: nobody is reminded twice at once.
    pub fn due(&self, now: Timestamp) -> Due {
        if self.status != GateStatus::Pending {
            return Due::Nothing;
        }
        if now >= self.due_at {
            return Due::Expiry;
        }
        let reached = |stage: &Stage| *stage > self.stage && now >= self.reached_at(*stage);
        let Some(stage) = Stage::AFTER_ASKED.into_iter().filter(reached).max() else { return Due::Nothing };
        let added =
            if self.stage < Stage::Escalated && stage >= Stage::Escalated { self.not_asked() } else { Vec::new() };
        let mut gate = Self { version: self.version + 1, stage, ..self.clone() };
        gate.approvers.extend(added.iter().cloned());
        Due::Stage { gate: Box::new(gate), added }
    }

    /// Those of the second list who are not asked yet.
    fn not_asked(&self) -> Vec<Person> {
        let asked = |person: &&Person| !self.approvers.iter().any(|other| other.is_same(person));
        self.escalation.iter().filter(asked).cloned().collect()
    }

    fn reached_at(&self, stage: Stage) -> Timestamp {
        let total = self.due_at.duration_since(self.created_at).as_millis();
        let millis = i64::try_from(total * i128::from(stage.permille()) / 1000).unwrap_or(i64::MAX);
        self.created_at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(self.due_at)
    }
}

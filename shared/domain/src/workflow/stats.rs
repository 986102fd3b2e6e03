//! What a workflow's row keeps for figures about many of them: times, first results, forecasts and cost.
//!
//! All of it follows from the events, as the audit trail does; nothing decides by it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, Workflow};
use crate::budget::{Phase, Usage};
use crate::gate::Verdict;
use crate::ids::{Repository, WorkflowId};
use crate::state::WorkflowState;

/// Longest name of a model that is kept, characters.
const MAX_MODEL: usize = 200;

/// Figures of one workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// When the present state was entered; `None` in rows of before this was kept.
    pub entered_at: Option<Timestamp>,
    /// How long it was in states that it left, milliseconds.
    pub in_state: Vec<StateTime>,
    /// From its creation to its first SPEC, milliseconds.
    pub first_spec_ms: Option<u64>,
    /// How long people took at each gate that they decided, milliseconds.
    pub responses_ms: Vec<u64>,
    /// Whether the first attempt passed verification and quality gates.
    pub first_pass: Option<bool>,
    /// What the last plan foresaw.
    pub forecast: Option<Forecast>,
    /// The model that the agent used last.
    pub agent_model: Option<String>,
    /// What the agent's runs cost, millionths of a US dollar.
    pub agent_micro_usd: u64,
    /// What everything cost, millionths of a US dollar. Unlike the ledger it begins at zero with every generation.
    pub spent_micro_usd: u64,
}

/// Time in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateTime {
    /// Which.
    pub state: WorkflowState,
    /// Altogether, milliseconds.
    pub ms: u64,
}

/// What a plan foresees for its implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// Cost, millionths of a US dollar.
    pub micro_usd: u64,
    /// Time, minutes.
    pub minutes: u32,
    /// The model that planned.
    pub model: String,
}

impl Forecast {
    /// What a SPEC by `model` foresees. A cost that is no number of dollars counts as none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float's conversion saturates")]
    pub fn new(estimated_usd: f64, minutes: u32, model: &str) -> Self {
        Self {
            micro_usd: (estimated_usd * 1e6).round() as u64,
            minutes,
            model: crate::text::one_line(model, MAX_MODEL),
        }
    }
}

/// What one event cost: a line in the deployment's book of expenses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expense {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub workflow_id: WorkflowId,
    /// Number of the audit entry.
    pub seq: u64,
    /// The ticket's repository.
    pub repository: Repository,
    /// What for.
    pub phase: Phase,
    /// The model, as far as it is known.
    #[serde(default)]
    pub model: Option<String>,
    /// Millionths of a US dollar.
    pub micro_usd: u64,
}

impl Event {
    /// What model calls it tells of.
    pub const fn usage(&self) -> Option<&Usage> {
        match self {
            Self::SpecProposed { usage, .. } | Self::FoundUnsuitable { usage, .. } | Self::RunEnded { usage, .. } => {
                Some(usage)
            }
            _ => None,
        }
    }
}

impl Stats {
    /// Takes an event into account that led from `before` to a row in `state`.
    pub(super) fn take(&mut self, before: &Workflow, state: WorkflowState, event: &Event, now: Timestamp) {
        let entered = self.entered_at.unwrap_or(before.updated_at);
        if let Some(usage) = event.usage() {
            self.spent_micro_usd = self.spent_micro_usd.saturating_add(usage.micro_usd);
        }
        match event {
            Event::SpecProposed { forecast, .. } => {
                self.first_spec_ms.get_or_insert(between(before.created_at, now));
                self.forecast.clone_from(forecast);
            }
            Event::RunEnded { usage, model, .. } => {
                self.agent_micro_usd = self.agent_micro_usd.saturating_add(usage.micro_usd);
                if model.is_some() {
                    self.agent_model = model.as_deref().map(|name| crate::text::one_line(name, MAX_MODEL));
                }
            }
            Event::GateDecided { verdict, .. } if !matches!(verdict, Verdict::Expire | Verdict::Cancel) => {
                self.responses_ms.push(between(entered, now));
            }
            Event::QaFinished { passed, .. } => {
                self.first_pass.get_or_insert(*passed);
            }
            Event::AttemptFailed { .. } => {
                self.first_pass.get_or_insert(false);
            }
            _ => {}
        }
        if before.state != state {
            // What passes between an end and a resumption is nobody's work.
            if !before.state.is_terminal() {
                let ms = between(entered, now);
                match self.in_state.iter_mut().find(|time| time.state == before.state) {
                    Some(time) => time.ms = time.ms.saturating_add(ms),
                    None => self.in_state.push(StateTime { state: before.state, ms }),
                }
            }
            self.entered_at = Some(now);
        }
    }

    /// How long it was in a state that it left, milliseconds.
    pub fn time_in(&self, state: WorkflowState) -> Option<u64> {
        self.in_state.iter().find(|time| time.state == state).map(|time| time.ms)
    }
}

impl super::Change {
    /// What the event cost, if it cost anything.
    pub fn expense(&self) -> Option<Expense> {
        let usage = self.entry.event.usage().filter(|usage| usage.micro_usd > 0)?;
        let (phase, model) = match &self.entry.event {
            Event::RunEnded { model, .. } => (self.workflow.phase, model.clone()),
            Event::SpecProposed { forecast, .. } => (Phase::Plan, forecast.as_ref().map(|it| it.model.clone())),
            _ => (Phase::Plan, None),
        };
        Some(Expense {
            at: self.entry.at,
            workflow_id: self.workflow.id.clone(),
            seq: self.entry.seq,
            repository: self.workflow.ticket.repository.clone(),
            phase,
            model: model.map(|name| crate::text::one_line(&name, MAX_MODEL)),
            micro_usd: usage.micro_usd,
        })
    }
}

/// Milliseconds from one moment to a later one; 0 where clocks disagree.
fn between(from: Timestamp, to: Timestamp) -> u64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).max(0).unsigned_abs()
}

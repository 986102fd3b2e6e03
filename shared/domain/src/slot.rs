//! Slots: how many workflows may plan or run at once. Waiting costs nothing; the order is priority, then age.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::WorkflowId;
use crate::ticket::Priority;

/// A pool of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotPool {
    /// Planning.
    Plan,
    /// Agent and QA runs.
    Run,
}

impl SlotPool {
    /// Every pool.
    pub const ALL: [Self; 2] = [Self::Plan, Self::Run];

    /// The pool's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Run => "run",
        }
    }
}

/// That a pool hands out no slots for now. Who holds one goes on; who wants one queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Who wants it so.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Why, in their words.
    pub reason: String,
}

/// Somebody in the queue for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiter {
    /// Who.
    pub workflow_id: WorkflowId,
    /// How urgent.
    pub priority: Priority,
    /// Since when.
    pub since: Timestamp,
}

impl Waiter {
    /// A text that sorts as the queue is served: priority, age, id.
    pub fn order_key(&self) -> String {
        format!("{}#{:015}#{}", self.priority.rank(), self.since.as_millisecond().max(0), self.workflow_id)
    }
}

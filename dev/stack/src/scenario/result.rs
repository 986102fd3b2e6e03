//! What came of a run. [`RunResult`] is an element of `runs` in the file of `--json`.

use domain::ids::WorkflowId;
use domain::verify::Violation;
use domain::{Timestamp, WorkflowState};
use serde::Serialize;

use super::expect::FileChange;

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct RunResult {
    /// The scenario.
    pub scenario: String,
    /// Its ticket.
    pub ticket_id: String,
    /// The ticket's title.
    pub title: String,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its page in the console.
    pub url: String,
    /// Its last state.
    pub state: WorkflowState,
    /// Why it ended so.
    pub reason: Option<String>,
    /// All states.
    pub states: Vec<StateLine>,
    /// Where the time went.
    pub durations_ms: Durations,
    /// The last SPEC.
    pub spec: SpecFacts,
    /// The last attempt's change set.
    pub changes: Vec<FileChange>,
    /// What the last attempt broke.
    pub violations: Vec<Violation>,
    /// The last QA report.
    pub qa: Option<Qa>,
    /// The pull request.
    pub pr: Option<Pr>,
    /// The ticket, as Flux Lens has it.
    pub ticket: Ticket,
    /// What the channel in Slack says, line by line.
    pub slack: Vec<String>,
    /// What was metered.
    pub usage: Spent,
    /// How often the agent ran.
    pub attempts: u32,
    /// The commit on `main`.
    pub main_sha: Option<String>,
    /// What did not hold, in words.
    pub differences: Vec<String>,
}

/// A state and when, by whom and why it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateLine {
    /// Which.
    pub state: WorkflowState,
    /// When.
    pub at: Timestamp,
    /// Who or what.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// From the ticket's creation to the last state.
    pub total: u64,
    /// In `PLANNING`.
    pub planning: u64,
    /// The agent's sandboxes.
    pub agent: u64,
    /// The quality gates' sandboxes.
    pub qa: u64,
    /// From the last passed QA to the pull request, and from its approval to the merge.
    pub publish: u64,
    /// At gates, until the decision.
    pub waiting: u64,
    /// Everything else.
    pub overhead: u64,
}

/// The SPEC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecFacts {
    /// How many were put before a person.
    pub revisions: u32,
    /// The last one's paths.
    pub files: Vec<String>,
}

/// A QA report in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Qa {
    /// Whether nothing blocked.
    pub passed: bool,
    /// Gate by gate.
    pub gates: Vec<Gate>,
}

/// A quality gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// Whether its command succeeded.
    pub passed: bool,
    /// Whether it stands in the way of a pull request.
    pub blocks: bool,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pr {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its head.
    pub head_sha: String,
    /// The merge commit, as GitHub says.
    pub merge_sha: Option<String>,
    /// `open`, `merged` or `closed`, as GitHub says.
    pub state: &'static str,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Its status.
    pub status: String,
    /// What was said.
    pub comments: Vec<String>,
}

/// Tokens and money.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spent {
    /// Tokens that the model read, those from its cache included.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// US dollars.
    pub usd: f64,
    /// Calls of the model.
    pub model_calls: u64,
}

//! `expect.json`.

use domain::WorkflowState;
use domain::spec::FileAction;
use domain::verify::ViolationKind;
use serde::{Deserialize, Serialize};

/// What must be true at the end. A key that is absent is not checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The last state.
    pub state: WorkflowState,
    /// All states, in order.
    pub states: Option<Vec<WorkflowState>>,
    /// States that were never reached.
    #[serde(default)]
    pub never_states: Vec<WorkflowState>,
    /// Part of the reason of the last change of state.
    pub reason_contains: Option<String>,
    /// How often the agent ran.
    pub attempts: Option<u32>,
    /// How many SPECs were put before a person.
    pub spec_revisions: Option<u32>,
    /// The last SPEC's paths.
    pub spec_files: Option<Vec<String>>,
    /// The last attempt's change set.
    pub changes: Option<Vec<FileChange>>,
    /// The last attempt's violations.
    pub violations: Option<Vec<Broken>>,
    /// The last QA report.
    pub qa: Option<Qa>,
    /// The pull request.
    pub pr: Option<Pr>,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// What is on `main`.
    #[serde(default)]
    pub main_contains: Vec<Contains>,
    /// What is not on `main`.
    #[serde(default)]
    pub main_lacks: Vec<Lacks>,
    /// What was metered.
    pub usage: Option<Tokens>,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// Where.
    pub path: String,
    /// What.
    pub action: FileAction,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// Where.
    pub path: String,
    /// Which.
    pub kind: ViolationKind,
}

/// A QA report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qa {
    /// Its verdict.
    pub passed: Option<bool>,
    /// Exactly these gates.
    pub gates: Option<Vec<Gate>>,
}

/// A quality gate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pr {
    /// As GitHub says.
    pub state: PrState,
}

/// How a pull request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrState {
    /// Still open.
    Open,
    /// Merged.
    Merged,
    /// Closed without a merge.
    Closed,
    /// There is none.
    None,
}

impl PrState {
    /// As it stands in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::None => "none",
        }
    }
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Its status in Flux Lens.
    pub status: Option<flux_lens_sim::Status>,
    /// Each occurs in at least one comment.
    #[serde(default)]
    pub comments_contain: Vec<String>,
}

/// A text in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contains {
    /// The file.
    pub path: String,
    /// The text.
    pub text: String,
}

/// A text that is not in a file, or a file that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lacks {
    /// The file.
    pub path: String,
    /// The text; without it the file must not exist.
    pub text: Option<String>,
}

/// Tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Read by the model.
    pub input_tokens: Option<u64>,
    /// Written by the model.
    pub output_tokens: Option<u64>,
}

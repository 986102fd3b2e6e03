//! Results of quality gates.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};
use crate::spec::VerifiedBy;

/// Version of [`QaReport`]'s form.
pub const QA_REPORT_VERSION: u32 = 1;

/// What the second sandbox found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QaReport {
    /// [`QA_REPORT_VERSION`].
    pub version: u32,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commit below the change.
    pub base_commit: CommitSha,
    /// Digest of the change set archive that was tested.
    pub change_set: Digest,
    /// The `[setup]` command, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<CommandResult>,
    /// One result per gate, in the order of the configuration.
    pub gates: Vec<GateResult>,
    /// The SPEC's checklist, item by item.
    pub checklist: Vec<ChecklistResult>,
    /// Whole time, milliseconds.
    pub duration_ms: u64,
}

impl QaReport {
    /// Whether nothing blocks: setup worked and every required gate passed, or failed on the base already.
    pub fn passed(&self) -> bool {
        self.setup.as_ref().is_none_or(|setup| setup.ended == Ended::Exit { code: 0 })
            && self.gates.iter().all(|gate| !gate.blocks())
    }

    /// The gates that block.
    pub fn blocking(&self) -> impl Iterator<Item = &GateResult> {
        self.gates.iter().filter(|gate| gate.blocks())
    }
}

/// A gate's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateResult {
    /// The gate's name.
    pub name: String,
    /// Whether the workflow needs it.
    pub required: bool,
    /// What the command did on base + change.
    pub result: CommandResult,
    /// Where it failed: whether it fails on the base commit too, so that the change is not to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_on_base: Option<bool>,
}

impl GateResult {
    /// Whether the command exited with 0.
    pub fn passed(&self) -> bool {
        self.result.passed()
    }

    /// Whether the gate stands in the way of a pull request.
    pub fn blocks(&self) -> bool {
        self.required && !self.passed() && self.failed_on_base != Some(true)
    }
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandResult {
    /// The command, as given to `sh -c`.
    pub command: String,
    /// How it ended.
    pub ended: Ended,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Beginning and end of standard output and error, interleaved; at most 16 KiB.
    pub output: String,
    /// Bytes that the command wrote in all.
    pub output_bytes: u64,
}

impl CommandResult {
    /// Whether it exited with 0.
    pub fn passed(&self) -> bool {
        self.ended == Ended::Exit { code: 0 }
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ended {
    /// By itself.
    Exit {
        /// Its exit code.
        code: i32,
    },
    /// By a signal that was not ours.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// We stopped it: too long.
    TimedOut,
    /// We stopped it: too much output.
    OutputLimit,
    /// It could not be started.
    NotStarted {
        /// Why.
        message: String,
    },
}

/// A checklist item's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistResult {
    /// What must be true.
    pub text: String,
    /// How it was to be verified.
    pub verified_by: VerifiedBy,
    /// `None`: a person has to look.
    pub passed: Option<bool>,
}

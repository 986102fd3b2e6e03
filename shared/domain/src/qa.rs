//! Results of quality gates.

pub mod evidence;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, WorkflowId};
use crate::spec::VerifiedBy;
pub use evidence::{BugProof, Finding, FindingKind, TestCounts, TestEvidence, describe_refused};

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
    /// What a person should look at; at most [`evidence::MAX_FINDINGS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// For a ticket about a bug: whether a test shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug_proof: Option<BugProof>,
    /// How many connections the gates' sandbox did not let through.
    #[serde(default)]
    pub refused_connections: u64,
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
    /// What is known about its tests; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestEvidence>,
}

impl GateResult {
    /// Whether the command exited with 0, and is believed.
    pub fn passed(&self) -> bool {
        self.result.passed() && self.lost().is_none()
    }

    /// Why the gate is not believed, whatever its exit code.
    pub fn lost(&self) -> Option<&str> {
        self.tests.as_ref()?.lost.as_deref()
    }

    /// Whether the gate stands in the way of a pull request. That it failed on the base excuses an exit code, but not
    /// tests that are gone.
    pub fn blocks(&self) -> bool {
        self.required && (self.lost().is_some() || !self.result.passed() && self.failed_on_base != Some(true))
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
    /// We stopped it: too much on the disk.
    DiskLimit,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(code: i32, failed_on_base: Option<bool>, lost: Option<&str>) -> GateResult {
        let result = CommandResult {
            command: "c".to_owned(),
            ended: Ended::Exit { code },
            duration_ms: 1,
            output: String::new(),
            output_bytes: 0,
        };
        let tests = lost.map(|lost| TestEvidence { lost: Some(lost.to_owned()), ..TestEvidence::default() });
        GateResult { name: "g".to_owned(), required: true, result, failed_on_base, tests }
    }

    #[test]
    fn lost_tests_block_whatever_the_exit_code() {
        assert!(!gate(0, None, None).blocks());
        assert!(!gate(1, Some(true), None).blocks());
        assert!(gate(1, Some(false), None).blocks() && gate(1, None, None).blocks());
        for (code, failed_on_base) in [(0, None), (0, Some(true)), (1, Some(true))] {
            let gate = gate(code, failed_on_base, Some("3 tests are gone"));
            assert!(gate.blocks() && !gate.passed(), "{gate:?}");
            assert!(!GateResult { required: false, ..gate }.blocks());
        }
    }

    #[test]
    fn results_of_the_release_before_are_read() {
        let old = r#"{"name":"g","required":true,"result":{"command":"c","ended":{"kind":"exit","code":0},
            "duration_ms":1,"output":"","output_bytes":0}}"#;
        let read: GateResult = serde_json::from_str(old).unwrap();
        assert_eq!(read, gate(0, None, None));
        assert_eq!(serde_json::from_str::<FindingKind>("\"of_a_later_release\"").unwrap(), FindingKind::Other);
    }
}

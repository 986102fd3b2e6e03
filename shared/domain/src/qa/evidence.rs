//! What stands behind a gate's exit code: tests that ran, and signs of tests that were made to pass.

use serde::{Deserialize, Serialize};

/// Most findings of one report.
pub const MAX_FINDINGS: usize = 100;

/// Tests that one run of a gate reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCounts {
    /// Passed.
    pub passed: u64,
    /// Failed, or broken otherwise.
    pub failed: u64,
    /// Skipped, to do, or expected to fail.
    pub skipped: u64,
}

impl TestCounts {
    /// Tests that ran: those that could have failed the gate.
    pub const fn ran(&self) -> u64 {
        self.passed + self.failed
    }
}

/// What is known about a gate's tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestEvidence {
    /// On the base commit, less what the SPEC deletes; absent: no counts were recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<TestCounts>,
    /// On base + change; absent: no counts were recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<TestCounts>,
    /// Test files in which a failure that we planted was to be noticed, because it was noticed at the base.
    #[serde(default)]
    pub probed: u64,
    /// Why the gate is not believed, whatever its exit code; in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// Something in the change, or seen while it was tested, that a person should look at before the merge. It does not
/// block: what blocks is in [`TestEvidence::lost`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What sort.
    pub kind: FindingKind,
    /// The path or gate that it is about.
    pub subject: String,
    /// One sentence.
    pub message: String,
}

/// Sort of [`Finding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Tests are gone, or have other names.
    TestsRemoved,
    /// Tests check less.
    AssertionsRemoved,
    /// Lines of tests that were there are different: perhaps what they expect.
    TestsEdited,
    /// Tests are skipped, singled out, or expected to fail.
    TestsSkipped,
    /// Checks that cannot fail.
    TrivialAssertions,
    /// What decides which tests run, or how, is different.
    TestInfrastructure,
    /// Recorded expectations are different.
    SnapshotsChanged,
    /// The code ends the process as a success.
    EndsProcess,
    /// The code changes the test framework or its surroundings.
    TouchesTestFramework,
    /// The code finds out whether it is tested.
    DetectsTests,
    /// The code prints what a test runner prints.
    ImitatesResults,
    /// Gates changed files that they should only read.
    FilesChanged,
    /// More tests fail than at the base.
    MoreFailures,
    /// Something could not be compared with the base.
    NotCompared,
    /// A kind that a later release knows.
    #[serde(other)]
    Other,
}

/// For a ticket about a bug: whether a test of the change shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BugProof {
    /// With the change's tests alone, these gates fail at the base; they pass now.
    Shown {
        /// Their names.
        gates: Vec<String>,
    },
    /// The change's tests pass at the base too: none of them shows the bug.
    NotShown,
    /// The change has no test file of its own. Tests inside source files cannot be told from the source.
    NoTests,
    /// It could not be found out.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl BugProof {
    /// In one sentence, without the gates' names.
    pub fn describe(&self) -> String {
        match self {
            Self::Shown { .. } => "A test of this change fails without it and passes with it.".to_owned(),
            Self::NotShown => "No test of this change fails without it: the bug is not shown by a test.".to_owned(),
            Self::NoTests => "This change has no test file: the bug is not shown by a test.".to_owned(),
            Self::Unknown { reason } => format!("Whether a test of this change shows the bug is not known: {reason}."),
        }
    }
}

/// What the sandboxes did not let through, in one sentence; `None`: nothing was tried.
pub fn describe_refused(agent: u64, gates: u64) -> Option<String> {
    let by = |count: u64, whose: &str| (count > 0).then(|| format!("{count} by {whose}"));
    let parts: Vec<String> = [by(agent, "the agent"), by(gates, "the quality gates")].into_iter().flatten().collect();
    (!parts.is_empty())
        .then(|| format!("Attempts to reach a network, which the sandboxes refused: {}.", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_told_by_whose_they_were() {
        assert_eq!(describe_refused(0, 0), None);
        insta::assert_snapshot!(describe_refused(3, 0).unwrap(), @"Attempts to reach a network, which the sandboxes refused: 3 by the agent.");
        insta::assert_snapshot!(describe_refused(3, 12).unwrap(), @"Attempts to reach a network, which the sandboxes refused: 3 by the agent, 12 by the quality gates.");
    }
}

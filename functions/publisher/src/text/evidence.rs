//! What stands behind the gates' exit codes, and what a person should look at before the merge.

use std::fmt::Write as _;

use domain::qa::{GateResult, QaReport, describe_refused};

use super::escape::{inline_code, markdown};

/// The section of a pull request's text; empty if there is nothing to say.
pub(super) fn evidence(qa: &QaReport, refused_to_agent: u64) -> String {
    let mut out = String::new();
    let lost: Vec<_> = qa.gates.iter().filter_map(|gate| Some((gate, gate.lost()?))).collect();
    if !qa.findings.is_empty() || !lost.is_empty() {
        out.push_str("### ⚠ Please look at these before the merge\n\n");
        for (gate, why) in lost {
            writeln!(out, "- gate {} is not believed: {}", inline_code(&gate.name), markdown(why)).unwrap_or_default();
        }
        for finding in &qa.findings {
            writeln!(out, "- {}", markdown(&finding.message)).unwrap_or_default();
        }
        out.push('\n');
    }
    if let Some(proof) = &qa.bug_proof {
        writeln!(out, "{}\n", markdown(&proof.describe())).unwrap_or_default();
    }
    if let Some(refused) = describe_refused(refused_to_agent, qa.refused_connections) {
        writeln!(out, "{}\n", markdown(&refused)).unwrap_or_default();
    }
    out
}

/// A gate's tests in a few words, for its row.
pub(super) fn counts(gate: &GateResult) -> String {
    let Some(tests) = &gate.tests else { return String::new() };
    match (tests.base, tests.changed) {
        (Some(base), Some(changed)) => format!("{} tests ({} on the base)", changed.ran(), base.ran()),
        (None, Some(changed)) => format!("{} tests", changed.ran()),
        (_, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::body::tests::qa;
    use domain::qa::{BugProof, Finding, FindingKind, TestCounts, TestEvidence};

    #[test]
    fn a_report_without_findings_says_nothing() {
        assert_eq!(evidence(&qa(), 0), "");
    }

    #[test]
    fn findings_are_told_and_do_nothing() {
        let mut qa = qa();
        qa.bug_proof = Some(BugProof::NotShown);
        qa.findings.push(Finding {
            kind: FindingKind::TestsRemoved,
            subject: "test/a.js".to_owned(),
            message: "`test/a.js` lost tests: @ann <b>#1</b>".to_owned(),
        });
        let count = |passed| Some(TestCounts { passed, failed: 0, skipped: 1 });
        let lost = Some("it ran 5 tests and 4 now".to_owned());
        let gate = qa.gates.first_mut().unwrap();
        gate.tests = Some(TestEvidence { base: count(5), changed: count(4), probed: 0, lost });
        insta::assert_snapshot!(evidence(&qa, 4), @r"
        ### ⚠ Please look at these before the merge

        - gate `test` is not believed: it ran 5 tests and 4 now
        - \`test/a.js\` lost tests: @&#8203;ann &lt;b&gt;\#&#8203;1&lt;/b&gt;

        No test of this change fails without it: the bug is not shown by a test.

        Attempts to reach a network, which the sandboxes refused: 4 by the agent.
        ");
        insta::assert_snapshot!(counts(&qa.gates[0]), @"4 tests (5 on the base)");
        assert_eq!(counts(&qa.gates[1]), "");
    }
}

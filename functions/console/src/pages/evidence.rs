//! What stands behind the checks' exit codes, and what a person should look at before they decide.

use domain::qa::{GateResult, QaReport, describe_refused};
use maud::{Markup, html};

use super::parts::line;

/// The findings of a report, and whether a test shows the bug; nothing if there is nothing to say.
pub(super) fn findings(report: &QaReport, refused_to_agent: u64) -> Markup {
    html! {
        @if !report.findings.is_empty() {
            div.notice.waiting {
                p { strong { "Please look at these before you decide" } }
                ul { @for finding in &report.findings { li { (line(&finding.message)) } } }
            }
        }
        @if let Some(proof) = &report.bug_proof { p { (line(&proof.describe())) } }
        @if let Some(refused) = describe_refused(refused_to_agent, report.refused_connections) { p { (refused) } }
    }
}

/// A check's tests in a few words.
pub(super) fn counts(gate: &GateResult) -> Markup {
    let counts = gate.tests.as_ref().and_then(|tests| Some((tests.base, tests.changed?)));
    html! {
        @if let Some((base, changed)) = counts {
            br;
            span.soft {
                (changed.ran()) " tests"
                @if let Some(base) = base { ", " (base.ran()) " before the change" }
            }
        }
    }
}

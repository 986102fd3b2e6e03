//! The QA report as a page for people. Everything in it that the repository or the agent wrote is escaped.

use domain::qa::{ChecklistResult, CommandResult, GateResult, QaReport, TestCounts, describe_refused};
use domain::spec::VerifiedBy;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::command::describe;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}\
pre{background:#f6f8fa;padding:.8rem;overflow:auto;max-height:30rem}.good{color:#1a7f37}.bad{color:#cf222e}.unknown{color:#9a6700}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}th,td{border-color:#30363d}}";

/// Renders the report. No scripts, nothing loaded from elsewhere.
pub fn render_html(report: &QaReport) -> String {
    let title = format!("Quality gates: {}", if report.passed() { "passed" } else { "failed" });
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p {
                    "Workflow " code { (report.workflow_id) } ", attempt " (report.attempt)
                    ", base commit " code { (report.base_commit) } ", change set " code { (report.change_set.short(12)) }
                    ". " (seconds(report.duration_ms)) " in all."
                }
                @if report.gates.is_empty() {
                    p.unknown { "This repository has no quality gates: nothing was checked by a machine." }
                } @else {
                    (gate_table(&report.gates))
                }
                @if !report.findings.is_empty() {
                    h2 { "Please look at these" }
                    ul { @for finding in &report.findings { li.unknown { (finding.message) } } }
                }
                @if let Some(proof) = &report.bug_proof { p { (proof.describe()) } }
                @if let Some(refused) = describe_refused(0, report.refused_connections) { p { (refused) } }
                @if !report.checklist.is_empty() { (checklist(&report.checklist)) }
                @if let Some(setup) = &report.setup { (details("setup", setup, !setup.passed())) }
                @for gate in &report.gates { (details(&gate.name, &gate.result, gate.blocks())) }
            }
        }
    }
    .into_string()
}

fn gate_table(gates: &[GateResult]) -> Markup {
    html! {
        table {
            thead { tr { th { "gate" } th { "result" } th { "tests" } th { "time" } th { "needed" } } }
            tbody {
                @for gate in gates {
                    tr {
                        td { (gate.name) }
                        td { span class=(class(gate)) { (verdict(gate)) } }
                        td { (tests(gate)) }
                        td { (seconds(gate.result.duration_ms)) }
                        td { @if gate.required { "yes" } @else { "no" } }
                    }
                }
            }
        }
    }
}

fn class(gate: &GateResult) -> &'static str {
    match (gate.passed(), gate.blocks()) {
        (true, _) => "good",
        (false, true) => "bad",
        (false, false) => "unknown",
    }
}

fn verdict(gate: &GateResult) -> String {
    let how = describe(&gate.result.ended);
    if let Some(why) = gate.lost() {
        return format!("{how}, and not believed: {why}");
    }
    match gate.failed_on_base {
        Some(true) => format!("{how}; it fails on the base commit too"),
        Some(false) => format!("{how}; it passes on the base commit"),
        None => how,
    }
}

/// Counts on both trees, and in how many files a planted failure was noticed.
fn tests(gate: &GateResult) -> String {
    let Some(tests) = &gate.tests else { return String::new() };
    let counted = |counts: Option<TestCounts>| counts.map_or("unknown".to_owned(), |counts| counts.ran().to_string());
    let heard = match tests.probed {
        0 => String::new(),
        files => format!("; planted failures noticed in {files} files"),
    };
    format!("{} ({} at the base){heard}", counted(tests.changed), counted(tests.base))
}

fn checklist(items: &[ChecklistResult]) -> Markup {
    html! {
        h2 { "Checklist" }
        table {
            thead { tr { th { "must be true" } th { "verified by" } th { "result" } } }
            tbody {
                @for item in items {
                    tr {
                        td { (item.text) }
                        td {
                            @match &item.verified_by {
                                VerifiedBy::Gate { name } => { "gate " code { (name) } }
                                VerifiedBy::Command { command } => { "command " code { (command) } }
                                VerifiedBy::Person => "a person",
                            }
                        }
                        td {
                            @match item.passed {
                                Some(true) => span.good { "true" },
                                Some(false) => span.bad { "not true" },
                                None => span.unknown { "to be looked at" },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn details(name: &str, result: &CommandResult, open: bool) -> Markup {
    html! {
        details open[open] {
            summary { (name) ": " (describe(&result.ended)) }
            p { code { (result.command) } ", " (result.output_bytes) " bytes of output" }
            pre { (result.output) }
        }
    }
}

/// Milliseconds as seconds with one digit after the point.
fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::archive::tests::origin;
    use domain::Digest;
    use domain::qa::{BugProof, Ended, Finding, FindingKind, QA_REPORT_VERSION, TestEvidence};

    #[test]
    fn the_page_shows_everything_and_escapes_it() {
        let result = |code, output: &str| CommandResult {
            command: "npm test".to_owned(),
            ended: Ended::Exit { code },
            duration_ms: 1_234,
            output: output.to_owned(),
            output_bytes: output.len() as u64,
        };
        let gate = |name: &str, code, failed_on_base| GateResult {
            name: name.to_owned(),
            required: true,
            result: result(code, "<script>alert(1)</script>"),
            failed_on_base,
            tests: None,
        };
        let count = |passed| Some(TestCounts { passed, failed: 0, skipped: 0 });
        let lost = Some("it ran 5".to_owned());
        let tests = Some(TestEvidence { base: count(5), changed: count(4), probed: 2, lost });
        let origin = origin();
        let report = QaReport {
            version: QA_REPORT_VERSION,
            workflow_id: origin.workflow_id,
            attempt: origin.attempt,
            base_commit: origin.base_commit,
            change_set: Digest::of("x"),
            setup: Some(result(0, "")),
            gates: vec![
                gate("unit", 0, None),
                gate("<b>lint</b>", 1, Some(false)),
                gate("old", 2, Some(true)),
                GateResult { tests, ..gate("lost", 0, None) },
            ],
            checklist: vec![ChecklistResult {
                text: "It works".to_owned(),
                verified_by: VerifiedBy::Gate { name: "unit".to_owned() },
                passed: Some(true),
            }],
            findings: vec![Finding {
                kind: FindingKind::TestsRemoved,
                subject: "a".to_owned(),
                message: "`<b>a</b>` lost tests".to_owned(),
            }],
            bug_proof: Some(BugProof::NotShown),
            refused_connections: 2,
            duration_ms: 5_000,
        };
        let page = render_html(&report);
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        for text in [
            "Quality gates: failed",
            "it passes on the base commit",
            "it fails on the base commit too",
            "1.2 s",
            "It works",
            "lost tests",
            "the bug is not shown by a test",
            "4 (5 at the base); planted failures noticed in 2 files",
            "passed, and not believed: it ran 5",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }
}

//! The QA report as a page for people. Everything in it that the repository or the agent wrote is escaped.

use domain::qa::{ChecklistResult, CommandResult, GateResult, QaReport};
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
            thead { tr { th { "gate" } th { "result" } th { "time" } th { "needed" } } }
            tbody {
                @for gate in gates {
                    tr {
                        td { (gate.name) }
                        td { span class=(class(gate)) { (verdict(gate)) } }
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
    match gate.failed_on_base {
        Some(true) => format!("{how}; it fails on the base commit too"),
        Some(false) => format!("{how}; it passes on the base commit"),
        None => how,
    }
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
    use domain::qa::{Ended, QA_REPORT_VERSION};

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
        let origin = origin();
        let report = QaReport {
            version: QA_REPORT_VERSION,
            workflow_id: origin.workflow_id,
            attempt: origin.attempt,
            base_commit: origin.base_commit,
            change_set: Digest::of("x"),
            setup: Some(result(0, "")),
            gates: vec![gate("unit", 0, None), gate("<b>lint</b>", 1, Some(false)), gate("old", 2, Some(true))],
            checklist: vec![ChecklistResult {
                text: "It works".to_owned(),
                verified_by: VerifiedBy::Gate { name: "unit".to_owned() },
                passed: Some(true),
            }],
            findings: vec![],
            bug_proof: None,
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
        ] {
            assert!(page.contains(text), "{text}");
        }
    }
}

//! SPEC.md: the SPEC as a person reads it.

use std::fmt::Write as _;

use super::{Amendment, ChecklistItem, NewDependency, Section, Spec, SpecFile, VerifiedBy};

/// Renders SPEC.md. The same SPEC always gives the same bytes.
pub fn render_markdown(spec: &Spec) -> String {
    let text = &spec.text;
    let mut out = String::new();
    line(&mut out, &format!("# {}", inline(&text.title)));
    line(&mut out, "");
    line(
        &mut out,
        &format!(
            "Ticket {} · revision {} · base commit `{}`",
            inline(&spec.ticket.to_string()),
            spec.revision,
            spec.base_commit
        ),
    );
    line(
        &mut out,
        &format!(
            "Confidence {:.0} % · about ${:.2} and {} min",
            text.confidence * 100.0,
            text.estimated_usd,
            text.estimated_minutes
        ),
    );
    amendment(&mut out, spec);
    for section in Section::ALL.into_iter().filter(|section| *section != Section::Title) {
        let body = render_section(spec, section);
        if !body.is_empty() {
            heading(&mut out, section.name());
            out.push_str(&body);
        }
    }
    out
}

/// One section as it stands in SPEC.md, without its heading; empty where the SPEC has none.
pub fn render_section(spec: &Spec, section: Section) -> String {
    let text = &spec.text;
    let mut out = String::new();
    match section {
        Section::Title => line(&mut out, &inline(&text.title)),
        Section::Problem => line(&mut out, text.problem_statement.trim()),
        Section::Solution => line(&mut out, text.proposed_solution.trim()),
        Section::Files => files(&mut out, &spec.files),
        Section::Plan => {
            for (number, step) in text.implementation_plan.iter().enumerate() {
                line(&mut out, &format!("{}. {}", number + 1, item(step)));
            }
        }
        Section::Testing => line(&mut out, text.testing_strategy.trim()),
        Section::Checklist => {
            for entry in &text.verification_checklist {
                line(&mut out, &format!("- [ ] {}", checklist_line(entry)));
            }
        }
        Section::Risks => {
            for risk in &text.risks {
                line(&mut out, &format!("- **{}** — {}", item(&risk.risk), item(&risk.mitigation)));
            }
        }
        Section::Dependencies => {
            for dependency in &text.new_dependencies {
                let NewDependency { name, version, reason } = dependency;
                line(&mut out, &format!("- `{}` {} — {}", code(name), inline(version), item(reason)));
            }
        }
    }
    out
}

/// What an amendment adds, and who asked for it.
fn amendment(out: &mut String, spec: &Spec) {
    let Some(amendment) = &spec.amendment else { return };
    let Amendment { of, of_base_commit, asked_in, agent_reason, .. } = amendment;
    let (added, _) = spec.added_first();
    let files_more = if added.len() == 1 { "1 more file".to_owned() } else { format!("{} more files", added.len()) };
    heading(out, &format!("Amendment of revision {of}: {files_more}"));
    let base = if *of_base_commit == spec.base_commit {
        String::new()
    } else {
        format!(" Revision {of} was written for commit `{of_base_commit}`.")
    };
    line(
        out,
        &format!(
            "Revision {of} was approved. In attempt {asked_in} the coding agent asked for {files_more}; everything else \
             in this SPEC is as in revision {of}.{base}"
        ),
    );
    line(out, "");
    files(out, added);
    line(out, "");
    line(out, "The agent's reason, in its own words, which nobody has checked:");
    line(out, "");
    let reason = if agent_reason.is_empty() { "(none given)" } else { agent_reason };
    for quoted in reason.lines() {
        line(out, format!("> {quoted}").trim_end());
    }
}

fn files<'a>(out: &mut String, files: impl IntoIterator<Item = &'a SpecFile>) {
    let (protected, ordinary): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.protection.is_some());
    line(out, "| path | action | reason |");
    line(out, "|---|---|---|");
    for file in protected.into_iter().chain(ordinary) {
        let mark = file.protection.map_or(String::new(), |p| format!("⚠ protected ({}). ", p.describe()));
        line(
            out,
            &format!("| `{}` | {} | {mark}{} |", code(file.path.as_str()), file.action.as_str(), cell(&file.reason)),
        );
    }
}

fn checklist_line(entry: &ChecklistItem) -> String {
    let how = match &entry.verified_by {
        VerifiedBy::Gate { name } => format!("gate `{}`", code(name)),
        VerifiedBy::Command { command } => format!("command `{}`", code(command)),
        VerifiedBy::Person => "a person".to_owned(),
    };
    format!("{} (verified by {how})", item(&entry.text))
}

fn heading(out: &mut String, title: &str) {
    line(out, "");
    line(out, &format!("## {title}"));
    line(out, "");
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    writeln!(out, "{text}").unwrap_or_default();
}

/// Model text on one line.
fn inline(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Model text as one list item: later lines stay inside the item.
fn item(text: &str) -> String {
    text.trim().lines().collect::<Vec<_>>().join("\n  ")
}

fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

fn code(text: &str) -> String {
    inline(text).replace('`', "'").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;
    use crate::ids::{Generation, Revision, TicketKey, WorkflowId};
    use crate::spec::{FileAction, Risk, SPEC_VERSION, SpecText};

    #[test]
    fn protected_files_come_first_and_cells_cannot_break_the_table() {
        let ticket = TicketKey::flux_lens("FL-1");
        let file = |path: &str, reason: &str| {
            let path: crate::path::RepoPath = path.parse().unwrap();
            SpecFile { protection: path.protection(), path, action: FileAction::Modify, reason: reason.to_owned() }
        };
        let spec = Spec {
            version: SPEC_VERSION,
            workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
            revision: Revision::FIRST,
            ticket_digest: Digest::of("t"),
            ticket,
            base_commit: "a".repeat(40).parse().unwrap(),
            files: vec![file("a.js", "why | not\nreally"), file("package-lock.json", "new package")],
            amendment: None,
            text: SpecText {
                title: "Keep sessions".to_owned(),
                problem_statement: "They end.".to_owned(),
                proposed_solution: "They last.".to_owned(),
                implementation_plan: vec!["First".to_owned(), "Then\nmore".to_owned()],
                testing_strategy: "Suite.".to_owned(),
                verification_checklist: vec![
                    ChecklistItem {
                        text: "Green".to_owned(),
                        verified_by: VerifiedBy::Gate { name: "test".to_owned() },
                    },
                    ChecklistItem { text: "Nice".to_owned(), verified_by: VerifiedBy::Person },
                ],
                risks: vec![Risk { risk: "Load".to_owned(), mitigation: "Small".to_owned() }],
                new_dependencies: vec![NewDependency {
                    name: "left-pad".to_owned(),
                    version: "1".to_owned(),
                    reason: "none".to_owned(),
                }],
                confidence: 0.85,
                estimated_usd: 0.2,
                estimated_minutes: 3,
            },
        };
        insta::assert_snapshot!(render_markdown(&spec));
    }
}

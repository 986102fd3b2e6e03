//! Turns a model's draft into a [`Spec`], or says everything that is wrong with it in words for the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{FileAction, SPEC_VERSION, Spec, SpecDraft, SpecFile, SpecText, VerifiedBy};
use crate::digest::Digest;
use crate::ids::{CommitSha, Revision, TicketKey, WorkflowId};
use crate::path::{ProtectedPaths, Protection, RepoPath, fold, folders};

/// Most files that one SPEC may name.
pub(super) const MAX_FILES: usize = 100;
/// Why a file under `.github/workflows` is refused.
pub(super) const WORKFLOW_FILE: &str =
    "it is under `.github/workflows`, which this deployment does not allow any SPEC to change";
const MAX_LINE: usize = 200;
const MAX_PROSE: usize = 20_000;
const MAX_ITEMS: usize = 50;

/// What a draft is checked against.
#[derive(Debug, Clone, Copy)]
pub struct SpecContext<'a> {
    /// The workflow.
    pub workflow_id: &'a WorkflowId,
    /// Which revision this is.
    pub revision: Revision,
    /// The ticket.
    pub ticket: &'a TicketKey,
    /// Digest of the ticket's text.
    pub ticket_digest: Digest,
    /// The commit that the planner read.
    pub base_commit: &'a CommitSha,
    /// Every file at that commit.
    pub base_paths: &'a BTreeSet<String>,
    /// The names of the repository's gates.
    pub gates: &'a [String],
    /// What the repository protects.
    pub protected: &'a ProtectedPaths,
    /// Whether this deployment lets a SPEC name files under `.github/workflows`.
    pub allow_workflow_files: bool,
}

/// One thing that is wrong with a draft, in words that tell the model how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem(String);

impl SpecProblem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for SpecProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a draft and, if nothing is wrong with it, makes the SPEC.
///
/// # Errors
/// Every problem found, not only the first, so that the model can mend all of them at once.
pub fn validate(draft: SpecDraft, context: SpecContext<'_>) -> Result<Spec, Vec<SpecProblem>> {
    let mut problems = Vec::new();
    check_text(&draft, &mut problems);
    check_checklist(&draft, context.gates, &mut problems);
    let files = check_files(&draft, context, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Spec {
        version: SPEC_VERSION,
        workflow_id: context.workflow_id.clone(),
        revision: context.revision,
        ticket: context.ticket.clone(),
        ticket_digest: context.ticket_digest,
        base_commit: context.base_commit.clone(),
        files,
        amendment: None,
        text: SpecText {
            title: draft.title,
            problem_statement: draft.problem_statement,
            proposed_solution: draft.proposed_solution,
            implementation_plan: draft.implementation_plan,
            testing_strategy: draft.testing_strategy,
            verification_checklist: draft.verification_checklist,
            risks: draft.risks,
            new_dependencies: draft.new_dependencies,
            confidence: draft.confidence,
            estimated_usd: draft.estimated_usd,
            estimated_minutes: draft.estimated_minutes,
        },
    })
}

fn check_text(draft: &SpecDraft, problems: &mut Vec<SpecProblem>) {
    let mut say = |text: String| problems.push(SpecProblem(text));
    if draft.title.trim().is_empty() || draft.title.len() > MAX_LINE || draft.title.contains('\n') {
        say(format!("`title` must be one line of 1 to {MAX_LINE} bytes"));
    }
    for (name, text) in [
        ("problem_statement", &draft.problem_statement),
        ("proposed_solution", &draft.proposed_solution),
        ("testing_strategy", &draft.testing_strategy),
    ] {
        if text.trim().is_empty() || text.len() > MAX_PROSE {
            say(format!("`{name}` must have 1 to {MAX_PROSE} bytes"));
        }
    }
    for (name, count) in [
        ("implementation_plan", draft.implementation_plan.len()),
        ("verification_checklist", draft.verification_checklist.len()),
    ] {
        if count == 0 || count > MAX_ITEMS {
            say(format!("`{name}` must have 1 to {MAX_ITEMS} items"));
        }
    }
    if !(0.0..=1.0).contains(&draft.confidence) {
        say("`confidence` must be a number from 0 to 1".to_owned());
    }
    if !(0.0..=10_000.0).contains(&draft.estimated_usd) {
        say("`estimated_usd` must be a number from 0 to 10000".to_owned());
    }
    if draft.estimated_minutes > 24 * 60 {
        say("`estimated_minutes` must be at most 1440".to_owned());
    }
}

fn check_checklist(draft: &SpecDraft, gates: &[String], problems: &mut Vec<SpecProblem>) {
    for item in &draft.verification_checklist {
        if item.text.trim().is_empty() || item.text.len() > MAX_PROSE {
            problems.push(SpecProblem("every item of `verification_checklist` needs a text".to_owned()));
        }
        match &item.verified_by {
            VerifiedBy::Gate { name } if !gates.contains(name) => problems.push(SpecProblem(format!(
                "`verification_checklist` names the gate `{name}`, but this repository has only: {}",
                if gates.is_empty() { "(none)".to_owned() } else { gates.join(", ") }
            ))),
            VerifiedBy::Command { command } if command.trim().is_empty() || command.contains('\0') => {
                problems.push(SpecProblem("a checklist item is verified by an empty command".to_owned()));
            }
            _ => {}
        }
    }
}

fn check_files(draft: &SpecDraft, context: SpecContext<'_>, problems: &mut Vec<SpecProblem>) -> Vec<SpecFile> {
    if draft.files.is_empty() || draft.files.len() > MAX_FILES {
        problems.push(SpecProblem(format!("`files` must name 1 to {MAX_FILES} files")));
    }
    let base_folded: BTreeMap<String, &str> =
        context.base_paths.iter().map(|path| (fold(path), path.as_str())).collect();
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for file in &draft.files {
        let path: RepoPath = match file.path.parse() {
            Ok(path) => path,
            Err(error) => {
                problems.push(SpecProblem(format!("{error}; give an exact path from the repository root")));
                continue;
            }
        };
        if !seen.insert(path.folded()) {
            problems.push(SpecProblem(format!(
                "`{path}` is named twice, or differs from another path only in case or in the form of its letters"
            )));
        }
        let exists = context.base_paths.contains(path.as_str());
        match file.action {
            FileAction::Create if exists => problems.push(SpecProblem(format!(
                "`{path}` exists at the base commit: its action is `modify`, not `create`"
            ))),
            FileAction::Create => {
                if let Some(other) = base_folded.get(&path.folded()) {
                    problems.push(SpecProblem(format!("`{path}` would be a twin of the existing file `{other}`")));
                }
                check_parents(&path, context.base_paths, problems);
            }
            FileAction::Modify | FileAction::Delete if !exists => problems.push(SpecProblem(format!(
                "`{path}` does not exist at the base commit, so its action cannot be `{}`; look at the tree with `list_files`",
                file.action.as_str()
            ))),
            FileAction::Modify | FileAction::Delete => {}
        }
        let protection = context.protected.protection(&path);
        if protection == Some(Protection::Workflow) && !context.allow_workflow_files {
            problems.push(SpecProblem(format!("`{path}`: {WORKFLOW_FILE}")));
        }
        files.push(SpecFile { path, action: file.action, reason: file.reason.clone(), protection });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A new file cannot stand below something that is a file.
fn check_parents(path: &RepoPath, base_paths: &BTreeSet<String>, problems: &mut Vec<SpecProblem>) {
    if let Some(parent) = file_parent(path, |parent| base_paths.contains(parent)) {
        problems.push(SpecProblem(format!("`{path}` cannot be created: `{parent}` is a file")));
    }
}

/// The first folder above a path that is a file.
pub(super) fn file_parent(path: &RepoPath, is_file: impl Fn(&str) -> bool) -> Option<&str> {
    folders(path.as_str()).find(|parent| is_file(parent))
}

/// The existing file that a new path could not be told from on some file system.
pub(super) fn existing_twin<'a>(folded: &str, base_paths: &'a BTreeSet<String>) -> Option<&'a str> {
    base_paths.iter().map(String::as_str).find(|path| fold(path) == folded)
}

#[cfg(test)]
mod tests {
    use super::super::{ChecklistItem, DraftFile};
    use super::*;
    use crate::ids::Generation;

    pub(crate) fn draft(files: &[(&str, FileAction)]) -> SpecDraft {
        SpecDraft {
            title: "Keep sessions for 30 minutes".to_owned(),
            problem_statement: "Sessions end after 30 seconds.".to_owned(),
            proposed_solution: "Use milliseconds.".to_owned(),
            files: files
                .iter()
                .map(|(path, action)| DraftFile { path: (*path).to_owned(), action: *action, reason: "why".to_owned() })
                .collect(),
            implementation_plan: vec!["Change the constant.".to_owned()],
            testing_strategy: "The existing suite.".to_owned(),
            verification_checklist: vec![ChecklistItem {
                text: "Tests pass".to_owned(),
                verified_by: VerifiedBy::Gate { name: "test".to_owned() },
            }],
            risks: vec![],
            new_dependencies: vec![],
            confidence: 0.9,
            estimated_usd: 0.2,
            estimated_minutes: 3,
        }
    }

    fn check(draft: SpecDraft) -> Result<Spec, Vec<String>> {
        let ticket = TicketKey::flux_lens("1");
        let workflow_id = WorkflowId::derive(&ticket, Generation::FIRST);
        let base_paths = ["src/a.js", "README.md"].map(str::to_owned).into();
        let context = SpecContext {
            workflow_id: &workflow_id,
            revision: Revision::FIRST,
            ticket: &ticket,
            ticket_digest: Digest::of("t"),
            base_commit: &"a".repeat(40).parse().unwrap(),
            base_paths: &base_paths,
            gates: &["test".to_owned()],
            protected: &vec!["src/p/".to_owned()].try_into().unwrap(),
            allow_workflow_files: false,
        };
        validate(draft, context).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_good_draft_becomes_a_spec_with_sorted_files() {
        let spec = check(draft(&[("src/b.js", FileAction::Create), ("src/a.js", FileAction::Modify)])).unwrap();
        let paths: Vec<_> = spec.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["src/a.js", "src/b.js"]);
        assert_eq!(serde_json::from_value::<Spec>(serde_json::to_value(&spec).unwrap()).unwrap(), spec);
    }

    #[test]
    fn protected_files_are_marked() {
        let files = [("src/p/x.js", FileAction::Create), ("yarn.lock", FileAction::Create), ("z", FileAction::Create)];
        let spec = check(draft(&files)).unwrap();
        let marks: Vec<_> = spec.files.iter().map(|file| file.protection).collect();
        assert_eq!(marks, [Some(Protection::Repository), Some(Protection::LockFile), None]);
    }

    #[test]
    fn every_problem_is_named() {
        let cases: &[(&[(&str, FileAction)], &str)] = &[
            (&[], "must name 1 to"),
            (&[("src/none.js", FileAction::Modify)], "does not exist"),
            (&[("src/none.js", FileAction::Delete)], "does not exist"),
            (&[("src/a.js", FileAction::Create)], "exists at the base commit"),
            (&[("SRC/A.js", FileAction::Create)], "twin"),
            (&[("src/a.js/x", FileAction::Create)], "is a file"),
            (&[("src/b.js", FileAction::Create), ("src/B.js", FileAction::Create)], "named twice"),
            (&[("../x", FileAction::Create)], "not a path inside"),
            (&[("src/*.js", FileAction::Create)], "not a path inside"),
            (&[(".github/workflows/x.yml", FileAction::Create)], "does not allow"),
        ];
        for (files, expected) in cases {
            let problems = check(draft(files)).unwrap_err();
            assert!(problems.iter().any(|p| p.contains(expected)), "{files:?}: {problems:?}");
        }
    }

    #[test]
    fn numbers_and_gates_are_checked() {
        let mut bad = draft(&[("src/a.js", FileAction::Modify)]);
        bad.confidence = f64::NAN;
        bad.estimated_usd = -1.0;
        bad.title = "two\nlines".to_owned();
        bad.verification_checklist[0].verified_by = VerifiedBy::Gate { name: "nope".to_owned() };
        assert_eq!(check(bad).unwrap_err().len(), 4);
    }
}

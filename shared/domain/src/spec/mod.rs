//! The SPEC: the plan that a model proposes, a person approves and the sandbox enforces.

mod amend;
mod edit;
mod render;
mod validate;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use amend::{AmendContext, Amended, Amendment, MAX_REQUESTED, RefusedPath, amend};
pub use edit::{Edited, Section, edit};
pub use render::{render_markdown, render_section};
pub use validate::{SpecContext, SpecProblem, validate};

use crate::digest::Digest;
use crate::ids::{CommitSha, Revision, TicketKey, WorkflowId};
use crate::path::{Protection, RepoPath};

/// What the planner model submits through its `submit_spec` tool. The schema of that tool is this type's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecDraft {
    /// One line that says what changes.
    pub title: String,
    /// What is wrong or missing today, and how one sees it. Markdown.
    pub problem_statement: String,
    /// What will be done about it, and why this way. Markdown.
    pub proposed_solution: String,
    /// Every file that may be changed. Exact paths from the repository root, no patterns. Nothing else can be changed.
    pub files: Vec<DraftFile>,
    /// The steps, in order.
    pub implementation_plan: Vec<String>,
    /// Which tests prove it: new ones, changed ones, existing ones. Markdown.
    pub testing_strategy: String,
    /// What must be true at the end, and how each item is verified.
    pub verification_checklist: Vec<ChecklistItem>,
    /// What could go wrong, and what is done about it.
    #[serde(default)]
    pub risks: Vec<Risk>,
    /// Packages that the project does not depend on today.
    #[serde(default)]
    pub new_dependencies: Vec<NewDependency>,
    /// How sure you are that this plan is right and complete, from 0 to 1.
    pub confidence: f64,
    /// What the implementation will probably cost, in US dollars.
    pub estimated_usd: f64,
    /// How many minutes the implementation will probably take.
    pub estimated_minutes: u32,
}

/// One file in a [`SpecDraft`], its path not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftFile {
    /// Path from the repository root, such as `src/session.js`.
    pub path: String,
    /// What happens to it.
    pub action: FileAction,
    /// Why.
    pub reason: String,
}

/// What may happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// It does not exist at the base commit and will.
    Create,
    /// It exists and its content changes.
    Modify,
    /// It exists and will be gone.
    Delete,
}

impl FileAction {
    /// The action's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Delete => "delete",
        }
    }
}

/// One line of the verification checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// What must be true.
    pub text: String,
    /// How that is found out.
    pub verified_by: VerifiedBy,
}

/// How a checklist item is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum VerifiedBy {
    /// By one of the repository's quality gates.
    Gate {
        /// The gate's name in `.pi-tickets.toml`.
        name: String,
    },
    /// By a shell command in the repository root that exits with 0.
    Command {
        /// The command.
        command: String,
    },
    /// By the person who reviews the pull request.
    Person,
}

/// A risk, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What could go wrong.
    pub risk: String,
    /// What is done about it.
    pub mitigation: String,
}

/// A package to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDependency {
    /// Its name in its registry.
    pub name: String,
    /// The version or range.
    pub version: String,
    /// Why nothing that is there already will do.
    pub reason: String,
}

/// A valid SPEC, tied to the ticket text and the commit that it was written for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Version of this form.
    pub version: u32,
    /// The workflow that it belongs to.
    pub workflow_id: WorkflowId,
    /// Counts the revisions asked for at the gate.
    pub revision: Revision,
    /// The ticket.
    pub ticket: TicketKey,
    /// [`crate::ticket::Ticket::content_digest`] of the ticket that was planned.
    pub ticket_digest: Digest,
    /// The commit that was read.
    pub base_commit: CommitSha,
    /// The files, each path valid and named once, in path order.
    pub files: Vec<SpecFile>,
    /// What it adds to which approved revision, if it is no plan of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amendment: Option<Amendment>,
    /// What the model wrote, its `files` emptied: [`Spec::files`] is the one list.
    #[serde(flatten)]
    pub text: SpecText,
}

/// The parts of a SPEC that the sandbox does not enforce. Empty by default, which does not validate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpecText {
    /// See [`SpecDraft::title`].
    pub title: String,
    /// See [`SpecDraft::problem_statement`].
    pub problem_statement: String,
    /// See [`SpecDraft::proposed_solution`].
    pub proposed_solution: String,
    /// See [`SpecDraft::implementation_plan`].
    pub implementation_plan: Vec<String>,
    /// See [`SpecDraft::testing_strategy`].
    pub testing_strategy: String,
    /// See [`SpecDraft::verification_checklist`].
    pub verification_checklist: Vec<ChecklistItem>,
    /// See [`SpecDraft::risks`].
    pub risks: Vec<Risk>,
    /// See [`SpecDraft::new_dependencies`].
    pub new_dependencies: Vec<NewDependency>,
    /// See [`SpecDraft::confidence`].
    pub confidence: f64,
    /// See [`SpecDraft::estimated_usd`].
    pub estimated_usd: f64,
    /// See [`SpecDraft::estimated_minutes`].
    pub estimated_minutes: u32,
}

/// A file of a [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
    /// Where it is.
    pub path: RepoPath,
    /// What may happen to it.
    pub action: FileAction,
    /// Why, in the model's words.
    pub reason: String,
    /// The rule that protects the path, if one does: shown first at the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
}

/// Version of [`Spec`]'s form.
pub const SPEC_VERSION: u32 = 1;

impl Spec {
    /// SHA-256 of the canonical JSON: what a person approves.
    ///
    /// # Errors
    /// Only when a number is not finite, which [`validate`] refuses.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }

    /// The allowed action of each path.
    pub fn scope(&self) -> BTreeMap<&RepoPath, FileAction> {
        self.files.iter().map(|file| (&file.path, file.action)).collect()
    }
    /// The files that an amendment adds, then the others: the order in which people are shown them. Protected files are
    /// first among each.
    pub fn added_first(&self) -> (Vec<&SpecFile>, Vec<&SpecFile>) {
        let is_added = |file: &SpecFile| self.amendment.as_ref().is_some_and(|it| it.added.contains(&file.path));
        let mut files: Vec<&SpecFile> = self.files.iter().collect();
        files.sort_by_key(|file| file.protection.is_none());
        files.into_iter().partition(|file| is_added(file))
    }
}

//! A plan as the API takes it: the parts of a SPEC that people may edit.

use domain::spec::{ChecklistItem, DraftFile, FileAction, NewDependency, Risk, SpecDraft, SpecText, VerifiedBy};
use serde::Deserialize;
use utoipa::ToSchema;

/// A plan. What the planner said of itself (confidence, estimates) stays as it said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "a SPEC's own names")]
pub(super) struct Plan {
    /// One line that says what changes.
    title: String,
    /// What is wrong or missing today. Markdown.
    problem_statement: String,
    /// What will be done about it, and why this way. Markdown.
    proposed_solution: String,
    /// Every file that may be changed; nothing else can be.
    files: Vec<PlanFile>,
    /// The steps, in order.
    implementation_plan: Vec<String>,
    /// Which tests prove it. Markdown.
    testing_strategy: String,
    /// What must be true at the end.
    verification_checklist: Vec<PlanCheck>,
    /// What could go wrong.
    #[serde(default)]
    risks: Vec<PlanRisk>,
    /// Packages that the project does not depend on today.
    #[serde(default)]
    new_dependencies: Vec<PlanDependency>,
}

/// A file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    /// Its path from the repository's root.
    path: String,
    /// What happens to it.
    #[schema(inline)]
    action: PlanAction,
    /// Why.
    reason: String,
}

/// What may happen to a file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlanAction {
    Create,
    Modify,
    Delete,
}

/// What must be true at the end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanCheck {
    /// What.
    text: String,
    /// By what it is verified.
    #[schema(inline)]
    by: PlanProof,
    /// The gate's name, or the command; nothing for a person.
    #[serde(default)]
    how: String,
}

/// By what something is verified.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlanProof {
    Gate,
    Command,
    Person,
}

/// A risk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanRisk {
    /// What could go wrong.
    risk: String,
    /// What is done about it.
    mitigation: String,
}

/// A package.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanDependency {
    /// Its name in its registry.
    name: String,
    /// The version or range.
    version: String,
    /// Why nothing that is there already will do.
    reason: String,
}

impl Plan {
    /// The draft that is checked, with what the planner said of itself.
    pub(super) fn draft(self, planner: &SpecText) -> SpecDraft {
        SpecDraft {
            title: self.title,
            problem_statement: self.problem_statement,
            proposed_solution: self.proposed_solution,
            files: self.files.into_iter().map(PlanFile::draft).collect(),
            implementation_plan: self.implementation_plan,
            testing_strategy: self.testing_strategy,
            verification_checklist: self.verification_checklist.into_iter().map(PlanCheck::item).collect(),
            risks: self.risks.into_iter().map(|it| Risk { risk: it.risk, mitigation: it.mitigation }).collect(),
            new_dependencies: self.new_dependencies.into_iter().map(PlanDependency::dependency).collect(),
            confidence: planner.confidence,
            estimated_usd: planner.estimated_usd,
            estimated_minutes: planner.estimated_minutes,
        }
    }
}

impl PlanFile {
    fn draft(self) -> DraftFile {
        let action = match self.action {
            PlanAction::Create => FileAction::Create,
            PlanAction::Modify => FileAction::Modify,
            PlanAction::Delete => FileAction::Delete,
        };
        DraftFile { path: self.path, action, reason: self.reason }
    }
}

impl PlanCheck {
    fn item(self) -> ChecklistItem {
        let verified_by = match self.by {
            PlanProof::Gate => VerifiedBy::Gate { name: self.how },
            PlanProof::Command => VerifiedBy::Command { command: self.how },
            PlanProof::Person => VerifiedBy::Person,
        };
        ChecklistItem { text: self.text, verified_by }
    }
}

impl PlanDependency {
    fn dependency(self) -> NewDependency {
        NewDependency { name: self.name, version: self.version, reason: self.reason }
    }
}

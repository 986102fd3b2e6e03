//! An approver changes the SPEC that they are asked about, within the same rules that a model's plan has to keep.

use super::validate::{SpecContext, SpecProblem, validate};
use super::{DraftFile, Spec, SpecDraft, SpecText};

/// The parts of a SPEC that people comment on and edit, by the names that they are shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// The title.
    Title,
    /// What is wrong.
    Problem,
    /// What will be done.
    Solution,
    /// Which files may change.
    Files,
    /// The steps.
    Plan,
    /// Which tests prove it.
    Testing,
    /// What must be true at the end.
    Checklist,
    /// What could go wrong.
    Risks,
    /// New packages.
    Dependencies,
}

impl Section {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Title,
        Self::Problem,
        Self::Solution,
        Self::Files,
        Self::Plan,
        Self::Testing,
        Self::Checklist,
        Self::Risks,
        Self::Dependencies,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "Title",
            Self::Problem => "Problem",
            Self::Solution => "Solution",
            Self::Files => "Files",
            Self::Plan => "Implementation plan",
            Self::Testing => "Testing strategy",
            Self::Checklist => "Verification checklist",
            Self::Risks => "Risks",
            Self::Dependencies => "New dependencies",
        }
    }

    /// Whether it differs between two SPECs.
    pub fn differs(self, one: &Spec, other: &Spec) -> bool {
        let (a, b) = (&one.text, &other.text);
        match self {
            Self::Title => a.title != b.title,
            Self::Problem => a.problem_statement != b.problem_statement,
            Self::Solution => a.proposed_solution != b.proposed_solution,
            Self::Files => one.files != other.files,
            Self::Plan => a.implementation_plan != b.implementation_plan,
            Self::Testing => a.testing_strategy != b.testing_strategy,
            Self::Checklist => a.verification_checklist != b.verification_checklist,
            Self::Risks => a.risks != b.risks,
            Self::Dependencies => a.new_dependencies != b.new_dependencies,
        }
    }
}

/// An edited SPEC that keeps the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The SPEC, as the revision that the context names.
    pub spec: Spec,
    /// What differs from the one that was edited.
    pub changed: Vec<Section>,
}

/// Checks an edit of a SPEC. What a planner said of itself, how sure it is and what it will cost, is not for others to
/// change: the draft's figures are ignored.
///
/// The context is that of the edited SPEC, its base commit and its ticket digest; the revision is the edit's own.
///
/// # Errors
/// Every rule that the edit breaks, or that it changes nothing.
pub fn edit(of: &Spec, draft: SpecDraft, context: SpecContext<'_>) -> Result<Edited, Vec<SpecProblem>> {
    let SpecText { confidence, estimated_usd, estimated_minutes, .. } = of.text;
    let mut spec = validate(SpecDraft { confidence, estimated_usd, estimated_minutes, ..draft }, context)?;
    spec.amendment = of.amendment.clone().map(|mut amendment| {
        amendment.added.retain(|path| spec.files.iter().any(|file| file.path == *path));
        amendment
    });
    let changed: Vec<Section> = Section::ALL.into_iter().filter(|section| section.differs(of, &spec)).collect();
    if changed.is_empty() {
        return Err(vec![SpecProblem::new("the edit changes nothing; approve the plan as it is")]);
    }
    Ok(Edited { spec, changed })
}

impl From<&Spec> for SpecDraft {
    /// The SPEC as a draft to edit.
    fn from(spec: &Spec) -> Self {
        let text = spec.text.clone();
        let files = spec.files.iter().map(|file| DraftFile {
            path: file.path.to_string(),
            action: file.action,
            reason: file.reason.clone(),
        });
        Self {
            title: text.title,
            problem_statement: text.problem_statement,
            proposed_solution: text.proposed_solution,
            files: files.collect(),
            implementation_plan: text.implementation_plan,
            testing_strategy: text.testing_strategy,
            verification_checklist: text.verification_checklist,
            risks: text.risks,
            new_dependencies: text.new_dependencies,
            confidence: text.confidence,
            estimated_usd: text.estimated_usd,
            estimated_minutes: text.estimated_minutes,
        }
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

//! What is sent to decide on a gate, as it is read and as it is described: which words a decision needs depends on it.

use domain::Digest;
use domain::gate::{DecisionRequest, SectionComment, Verdict};
use domain::person::Actor;
use serde::Deserialize;
use utoipa::ToSchema;

use super::fields::Nothing;
use super::input::Object;
use crate::problem::Problem;

/// A decision, as it is read: [`Decision`] describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideBody {
    decision: Word,
    #[serde(default)]
    comment: Option<Words>,
    #[serde(default)]
    sections: Vec<Object<Section>>,
    subject_digest: Digest,
    #[serde(default)]
    edit_digest: Option<Digest>,
}

/// A decision. A revision or rejection says why: as a whole, on single sections, or both.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes another type")]
pub(super) enum Decision {
    Approval(Approval),
    ApprovalOfEdit(ApprovalOfEdit),
    Objection(Objection),
    ObjectionToSections(ObjectionToSections),
}

/// Go on; for a pull request: merge it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes another type")]
pub(super) struct Approval {
    #[schema(inline)]
    decision: Yes,
    /// Words for whoever reads the audit trail.
    #[schema(value_type = Option<String>, pattern = r"\S", required = false)]
    comment: Option<Words>,
    /// Words on single sections.
    #[schema(max_items = 200, required = false)]
    sections: Vec<Section>,
    /// The `subject_digest` of what was seen.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    subject_digest: Digest,
}

/// Go on with one's own edit of the plan.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes another type")]
pub(super) struct ApprovalOfEdit {
    #[schema(inline)]
    decision: YesEdited,
    /// Words for whoever reads the audit trail.
    #[schema(value_type = Option<String>, pattern = r"\S", required = false)]
    comment: Option<Words>,
    /// The `subject_digest` of what was edited.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    subject_digest: Digest,
    /// The `edit_digest` of the edit.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    edit_digest: Digest,
}

/// Once more, or no.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes another type")]
pub(super) struct Objection {
    #[schema(inline)]
    decision: No,
    /// Why.
    #[schema(value_type = String, pattern = r"\S")]
    comment: Words,
    /// Words on single sections.
    #[schema(max_items = 200, required = false)]
    sections: Vec<Section>,
    /// The `subject_digest` of what was seen.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    subject_digest: Digest,
}

/// Once more, or no, with words on single sections alone.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes another type")]
pub(super) struct ObjectionToSections {
    #[schema(inline)]
    decision: No,
    #[schema(value_type = Nothing, required = false)]
    comment: (),
    /// Why.
    #[schema(min_items = 1, max_items = 200)]
    sections: Vec<Section>,
    /// The `subject_digest` of what was seen.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    subject_digest: Digest,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "describes another type")]
enum Yes {
    Approve,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "describes another type")]
enum YesEdited {
    ApproveEdited,
}

/// `REVISE`: once more; for a pull request: changes requested. `REJECT`: no; for a pull request: close it.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "describes another type")]
enum No {
    Revise,
    Reject,
}

/// Words on one section.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The section's name as the page shows it.
    section: String,
    /// The words.
    #[schema(value_type = String, pattern = r"\S")]
    text: Words,
}

/// What can be said at a gate.
#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Word {
    Approve,
    ApproveEdited,
    Revise,
    Reject,
}

impl DecideBody {
    /// Which edit is approved, if one is.
    pub(super) const fn edit_digest(&self) -> Option<Digest> {
        self.edit_digest
    }

    /// What `approvals` is asked to decide, with the approval of the edit that is named.
    pub(super) fn request(self, by: Actor, edited: Option<Verdict>) -> Result<DecisionRequest, Problem> {
        let verdict = match (self.decision, edited) {
            (Word::Approve, None) => Verdict::Approve,
            (Word::ApproveEdited, Some(verdict)) => verdict,
            (Word::Revise, None) => Verdict::Revise,
            (Word::Reject, None) => Verdict::Reject,
            (Word::ApproveEdited, None) | (_, Some(_)) => {
                let detail = "`edit_digest` goes with `APPROVE_EDITED`, and only with that. Nothing was decided.";
                return Err(Problem::bad_request(detail));
            }
        };
        Ok(DecisionRequest {
            verdict,
            by,
            subject_digest: Some(self.subject_digest),
            comment: self.comment.map(|Words(text)| text),
            sections: self.sections.into_iter().map(|Object(it)| it.into()).collect(),
        })
    }
}

/// A text that says something.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Words(String);

impl TryFrom<String> for Words {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() { Err("it is empty; leave it out, or say something") } else { Ok(Self(text)) }
    }
}

impl From<Section> for SectionComment {
    fn from(Section { section, text }: Section) -> Self {
        Self { section, text: text.0 }
    }
}

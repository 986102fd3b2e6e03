//! What people send from a gate's page, and what becomes of it.

use std::collections::BTreeMap;

use domain::Digest;
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, Refusal, SectionComment, Verdict};
use domain::ids::WorkflowId;
use domain::person::Actor;
use serde::Deserialize;

use crate::Console;
use crate::backend::Backend;
use crate::problem::{Problem, Refused};

/// What stands before a section's name in the name of its field.
pub(crate) const NOTE: &str = "on:";

/// What a form sends. By default nothing is said yet.
#[derive(Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    pub(crate) comment: String,
    #[serde(default)]
    subject: String,
    nonce: Option<String>,
    /// Digest of the edit that is approved.
    #[serde(default)]
    edit: String,
    /// What a code's field has.
    #[serde(default)]
    code: String,
    /// All other fields: words on sections among them.
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

impl Answer {
    /// The value that only our own form has; `None` where the form is not whole.
    pub(crate) fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The code that was typed; `None` where none was.
    pub(crate) fn code(&self) -> Option<&str> {
        Some(self.code.trim()).filter(|code| !code.is_empty())
    }

    /// Whether this asks for a code and decides nothing.
    pub(crate) fn asks_for_code(&self) -> bool {
        self.decision == "send-code"
    }

    /// What is missing before a decision could count, so that no try of a code is spent on it.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let silent = self.comment.trim().is_empty() && self.sections().is_empty();
        match self.decision.as_str() {
            "approve" | "approve-edited" => None,
            "revise" | "reject" if silent => Some("Please say why. Nothing was decided, and your code still counts."),
            "revise" | "reject" => None,
            _ => Some("Please choose one of the answers. Nothing was decided, and your code still counts."),
        }
    }

    /// What was said on a section.
    pub(crate) fn note(&self, section: &str) -> &str {
        self.fields.get(&format!("{NOTE}{section}")).map_or("", String::as_str)
    }

    fn sections(&self) -> Vec<SectionComment> {
        let notes = self.fields.iter().filter_map(|(name, text)| Some((name.strip_prefix(NOTE)?, text)));
        let said = notes.filter(|(_, text)| !text.trim().is_empty());
        said.map(|(section, text)| SectionComment { section: section.to_owned(), text: text.clone() }).collect()
    }
}

/// What became of it.
pub(crate) enum Outcome {
    /// It is decided, now or before.
    Decided,
    /// It was counted, now or before.
    Counted,
    /// It changed nothing: what the page has to say, and whether it was a refusal.
    Notice { text: String, refused: Option<Refused> },
}

impl Outcome {
    fn notice(text: impl Into<String>) -> Self {
        Self::Notice { text: text.into(), refused: None }
    }
}

/// Asks `approvals` to decide.
pub(crate) async fn submit<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    by: Actor,
    answer: &Answer,
) -> Result<Outcome, Problem> {
    let verdict = match answer.decision.as_str() {
        "approve" => Verdict::Approve,
        "approve-edited" => {
            let edited = match answer.edit.parse() {
                Ok(digest) => approval_of_edit(console, &gate.workflow_id, digest).await?,
                Err(_) => None,
            };
            let Some(verdict) = edited else {
                return Ok(Outcome::notice("Nothing was decided: that edit is no longer there. Please edit again."));
            };
            verdict
        }
        "revise" => Verdict::Revise,
        "reject" => Verdict::Reject,
        _ => return Ok(Outcome::notice("Please choose one of the answers. Nothing was decided.")),
    };
    let request = DecisionRequest {
        verdict,
        by,
        subject_digest: answer.subject.parse().ok(),
        comment: Some(answer.comment.clone()).filter(|comment| !comment.trim().is_empty()),
        sections: answer.sections(),
    };
    match console.backend.decide(&gate.id, request).await? {
        DecideAnswer::Decided { .. } | DecideAnswer::Refused { refusal: Refusal::AlreadyDecided { .. }, .. } => {
            Ok(Outcome::Decided)
        }
        DecideAnswer::Counted { .. } | DecideAnswer::Refused { refusal: Refusal::AlreadyApproved { .. }, .. } => {
            Ok(Outcome::Counted)
        }
        DecideAnswer::Refused { message, refusal } => {
            Ok(Outcome::Notice { text: format!("Nothing was decided: {message}."), refused: personal(&refusal) })
        }
        DecideAnswer::NotFound => Err(Problem::not_found()),
    }
}

/// The approval of the edit with this digest, if it still is the last one of the SPEC that is asked about.
pub(crate) async fn approval_of_edit<B: Backend>(
    console: &Console<B>,
    workflow: &WorkflowId,
    digest: Digest,
) -> Result<Option<Verdict>, Problem> {
    let edit = console.backend.workflow(workflow).await?.edit.filter(|edit| edit.spec_digest == digest);
    Ok(edit.map(|edit| Verdict::ApproveEdited { revision: edit.revision, spec_digest: edit.spec_digest }))
}

/// Why the gate refuses this person, where it is about the person.
pub(crate) fn personal(refusal: &Refusal) -> Option<Refused> {
    match refusal {
        Refusal::NotAnApprover => Some(Refused("the gate does not ask them")),
        Refusal::RequesterCannotApprove => Some(Refused("who asked for a change does not approve it")),
        _ => None,
    }
}

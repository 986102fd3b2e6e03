//! The two ways to end: a SPEC, or a reason why there is none.

use domain::spec::{Spec, SpecContext, SpecDraft};
use domain::{Digest, Revision, TicketKey, WorkflowId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Outcome;
use crate::repository::{Base, is_regular};
use crate::text::visible;

const MAX_REASON_BYTES: usize = 4_000;

/// What the model decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// A SPEC without anything wrong with it.
    Spec(Box<Spec>),
    /// Why the ticket cannot be planned, in the model's words.
    Declined(String),
}

/// Whose SPEC it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubmitContext<'a> {
    pub(crate) workflow_id: &'a WorkflowId,
    pub(crate) revision: Revision,
    pub(crate) ticket: &'a TicketKey,
    pub(crate) ticket_digest: Digest,
    pub(crate) gates: &'a [String],
    pub(crate) allow_workflow_files: bool,
}

/// Input of `decline_ticket`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclineTicket {
    /// Why, in words for the ticket's author: what is missing or contradictory, and what would help.
    reason: String,
}

pub(super) fn decline(input: DeclineTicket) -> Result<Answer, String> {
    let reason = visible(&input.reason).trim().to_owned();
    if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
        return Err(format!("`reason` must have 1 to {MAX_REASON_BYTES} bytes"));
    }
    Ok(Answer::Declined(reason))
}

pub(super) fn submit(draft: Result<SpecDraft, String>, base: &Base, context: SubmitContext<'_>) -> Outcome {
    let draft = match draft {
        Ok(draft) => draft,
        Err(reason) => return rejected(&[reason]),
    };
    let mut problems = not_files(&draft, base);
    let checked = domain::spec::validate(
        draft,
        SpecContext {
            workflow_id: context.workflow_id,
            revision: context.revision,
            ticket: context.ticket,
            ticket_digest: context.ticket_digest,
            base_commit: &base.commit,
            base_paths: &base.paths,
            gates: context.gates,
            protected: &base.config.protected,
            allow_workflow_files: context.allow_workflow_files,
        },
    );
    match checked {
        Ok(spec) if problems.is_empty() => Outcome::Done(Answer::Spec(Box::new(spec))),
        Ok(_) => rejected(&problems),
        Err(more) => {
            problems.extend(more.iter().map(ToString::to_string));
            rejected(&problems)
        }
    }
}

/// Paths that exist but are no files: a change of one could never be accepted.
fn not_files(draft: &SpecDraft, base: &Base) -> Vec<String> {
    let submodule = |path: &str| {
        base.snapshot.submodules.iter().any(|submodule| {
            path.strip_prefix(submodule.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    draft
        .files
        .iter()
        .filter_map(|file| {
            if base.snapshot.files.get(&file.path).is_some_and(|known| !is_regular(known)) {
                Some(format!("`{}` is a symbolic link; a SPEC can name regular files only", file.path))
            } else {
                submodule(&file.path).then(|| format!("`{}` is in a submodule, another repository", file.path))
            }
        })
        .collect()
}

fn rejected(problems: &[String]) -> Outcome {
    let list = problems.join("\n- ");
    Outcome::Rejected(format!("The SPEC was not accepted. Correct all of this and call submit_spec again:\n- {list}"))
}

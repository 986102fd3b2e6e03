//! What a gate's page shows: what is decided on, and what it was before.

use domain::Digest;
use domain::audit::AuditEntry;
use domain::gate::{Gate, Subject};
use domain::ids::{Attempt, Revision, WorkflowId};
use domain::person::Person;
use domain::spec::Spec;
use domain::workflow::{Event, SpecEdit, Workflow};

use crate::Console;
use crate::backend::Backend;
use crate::diff;
use crate::pages::{GateFacts, changed_files};
use crate::problem::Problem;

/// Reads what a gate is about, for one person: their own edit is among it. What is decided on is what the gate names,
/// whatever the workflow did meanwhile.
pub(super) async fn read<B: Backend>(console: &Console<B>, gate: &Gate, person: &Person) -> Result<GateFacts, Problem> {
    let (backend, id) = (&console.backend, &gate.workflow_id);
    let (workflow, trail) = futures::try_join!(backend.workflow(id), backend.trail(id))?;
    let trail = trail.readable();
    let mut facts = GateFacts {
        changed: changed_files(&trail).to_vec(),
        spec: None,
        qa: None,
        diff: None,
        previous: None,
        edit: None,
        now: (console.now)(),
        workflow,
    };
    match &gate.subject {
        Subject::Spec { revision, spec_digest, .. } => {
            let edit = own_edit(&facts.workflow, *spec_digest, person);
            let stored = edit.as_ref().map(|edit| (edit.revision, edit.spec_digest));
            let before = before(&facts.workflow, &trail, *revision);
            let (spec, previous, edited) = futures::try_join!(
                stored_spec(console, id, Some((*revision, *spec_digest))),
                stored_spec(console, id, before),
                stored_spec(console, id, stored)
            )?;
            (facts.spec, facts.previous, facts.edit) = (spec, previous, edit.zip(edited));
        }
        Subject::Pr { qa_report, .. } => {
            let attempt = tested(&trail, *qa_report).unwrap_or(facts.workflow.attempt);
            let approved = facts.workflow.spec.as_ref().map(|spec| (facts.workflow.revision, spec.digest));
            let change = diff::choose(&diff::verified(&trail), Some(attempt.get()));
            (facts.qa, facts.spec, facts.diff) = futures::try_join!(
                async { Ok(backend.qa(id, attempt, *qa_report).await?) },
                stored_spec(console, id, approved),
                diff::read(backend, id, change)
            )?;
        }
    }
    Ok(facts)
}

/// The attempt that a QA report is about.
fn tested(trail: &[AuditEntry], qa_report: Digest) -> Option<Attempt> {
    trail.iter().rev().find_map(|entry| match &entry.event {
        Event::QaFinished { attempt, report, .. } if *report == qa_report => Some(*attempt),
        _ => None,
    })
}

async fn stored_spec<B: Backend>(
    console: &Console<B>,
    id: &WorkflowId,
    which: Option<(Revision, Digest)>,
) -> Result<Option<Spec>, Problem> {
    match which {
        Some((revision, digest)) => Ok(console.backend.spec(id, revision, digest).await?),
        None => Ok(None),
    }
}

/// The SPEC that people saw before this one: the one that an approver edited, or the revision before.
fn before(workflow: &Workflow, trail: &[AuditEntry], revision: Revision) -> Option<(Revision, Digest)> {
    let edited = edit_of(trail, revision).and_then(|edit| last(trail, |(_, digest)| digest == edit.of));
    edited.or_else(|| last(trail, |(found, _)| Some(found) == workflow.previous_revision))
}

/// The person's own edit of the SPEC that is asked about, which they have not approved yet.
fn own_edit(workflow: &Workflow, asked: Digest, person: &Person) -> Option<SpecEdit> {
    workflow.edit.clone().filter(|edit| edit.of == asked && edit.by.is_same(person))
}

/// Each SPEC that the trail tells of. What is read from the bucket has to have the digest that stands there.
fn specs(trail: &[AuditEntry]) -> impl DoubleEndedIterator<Item = (Revision, Digest)> {
    trail.iter().filter_map(|entry| match &entry.event {
        Event::SpecProposed { revision, spec_digest, .. }
        | Event::ScopeChangeProposed { revision, spec_digest, .. } => Some((*revision, *spec_digest)),
        Event::SpecEdited { edit, .. } => Some((edit.revision, edit.spec_digest)),
        _ => None,
    })
}

fn last(trail: &[AuditEntry], wanted: impl Fn((Revision, Digest)) -> bool) -> Option<(Revision, Digest)> {
    specs(trail).rev().find(|found| wanted(*found))
}

fn edit_of(trail: &[AuditEntry], revision: Revision) -> Option<&SpecEdit> {
    trail.iter().rev().find_map(|entry| match &entry.event {
        Event::SpecEdited { edit, .. } if edit.revision == revision => Some(edit),
        _ => None,
    })
}

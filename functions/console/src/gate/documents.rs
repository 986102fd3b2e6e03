//! What a gate's page shows: what is decided on, and what it was before.

use domain::Digest;
use domain::audit::AuditEntry;
use domain::gate::{Gate, Subject};
use domain::ids::Revision;
use domain::person::Person;
use domain::spec::Spec;
use domain::workflow::{Event, SpecEdit};

use crate::Console;
use crate::backend::Backend;
use crate::pages::{GateFacts, WorkflowFacts};
use crate::problem::Problem;
use crate::view;

/// Reads what a gate is about, for one person: their own edit is among it.
pub(super) async fn read<B: Backend>(console: &Console<B>, gate: &Gate, person: &Person) -> Result<GateFacts, Problem> {
    let mut facts = view::workflow_facts(console, &gate.workflow_id).await?;
    let mut found = (None, None);
    // What is decided on is what the gate names, whatever the workflow did meanwhile.
    match &gate.subject {
        Subject::Spec { revision, spec_digest, .. } => {
            facts.spec = console.backend.spec(&gate.workflow_id, *revision, *spec_digest).await?;
            found = (before(console, gate, &facts, *revision).await?, own_edit(console, gate, &facts, person).await?);
        }
        Subject::Pr { qa_report, .. } => {
            let attempt = facts.workflow.qa.as_ref().map_or(facts.workflow.attempt, |qa| qa.attempt);
            facts.qa = console.backend.qa(&gate.workflow_id, attempt, *qa_report).await?;
        }
    }
    let (previous, edit) = found;
    Ok(GateFacts { facts, previous, edit })
}

/// The SPEC that people saw before this one: the one that an approver edited, or the revision before.
async fn before<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    facts: &WorkflowFacts,
    revision: Revision,
) -> Result<Option<Spec>, Problem> {
    let edited = edit_of(&facts.trail, revision).and_then(|edit| with_digest(&facts.trail, edit.of));
    let revised = || {
        let previous = facts.workflow.previous_revision?;
        Some((previous, digest_of(&facts.trail, previous)?))
    };
    match edited.or_else(revised) {
        Some((revision, digest)) => Ok(console.backend.spec(&gate.workflow_id, revision, digest).await?),
        None => Ok(None),
    }
}

/// The person's own edit of the SPEC that is asked about, which they have not approved yet.
async fn own_edit<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    facts: &WorkflowFacts,
    person: &Person,
) -> Result<Option<(SpecEdit, Spec)>, Problem> {
    let Subject::Spec { spec_digest, .. } = &gate.subject else { return Ok(None) };
    let edit = facts.workflow.edit.clone().filter(|edit| edit.of == *spec_digest && edit.by.is_same(person));
    let Some(edit) = edit else { return Ok(None) };
    let spec = console.backend.spec(&gate.workflow_id, edit.revision, edit.spec_digest).await?;
    Ok(spec.map(|spec| (edit, spec)))
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

fn digest_of(trail: &[AuditEntry], revision: Revision) -> Option<Digest> {
    specs(trail).rev().find(|(found, _)| *found == revision).map(|(_, digest)| digest)
}

fn with_digest(trail: &[AuditEntry], digest: Digest) -> Option<(Revision, Digest)> {
    specs(trail).rev().find(|(_, found)| *found == digest)
}

fn edit_of(trail: &[AuditEntry], revision: Revision) -> Option<&SpecEdit> {
    trail.iter().rev().find_map(|entry| match &entry.event {
        Event::SpecEdited { edit, .. } if edit.revision == revision => Some(edit),
        _ => None,
    })
}

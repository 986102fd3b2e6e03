//! An approver changes the SPEC that they are asked about. The edit is checked like a model's plan, against the files of
//! the SPEC's base commit, and stored under a number of its own. It counts when its maker approves it, at `approvals`.

use domain::failure::{Failure, FailureKind};
use domain::gate::policy::RiskFacts;
use domain::ids::{Revision, WorkflowId};
use domain::person::{Actor, Person};
use domain::repo_config::{CONFIG_PATH, RepoConfig};
use domain::spec::{Edited, Section, Spec, SpecContext, SpecDraft, edit};
use domain::state::WorkflowState;
use domain::steps::EditOutput;
use domain::workflow::{Event, SpecEdit, Workflow};
use domain::{Digest, Timestamp};
use github::SnapshotLimits;
use store::keys;

use crate::prepare::repository;
use crate::report::inconsistent;
use crate::{Context, workspace};

/// How many numbers are tried: one is taken where somebody else's edit was stored at the same moment.
const MAX_NUMBERS: u32 = 5;

pub(crate) async fn edit_spec(
    context: &Context,
    id: &WorkflowId,
    of: Digest,
    draft: SpecDraft,
    by: &Actor,
    now: Timestamp,
) -> Result<EditOutput, Failure> {
    let Actor::Person { person, .. } = by else {
        return Err(Failure::new(FailureKind::InvalidInput, "a SPEC is edited by people"));
    };
    let workflow = context.store.workflow(id).await?;
    if !is_asked(&workflow, of) {
        return Ok(EditOutput::NotAsked);
    }
    let original = asked_spec(context, &workflow, of).await?;
    let edited = match check(context, &workflow, &original, draft).await? {
        Ok(edited) => edited,
        Err(problems) => return Ok(EditOutput::Refused { problems }),
    };
    let (revision, spec_digest) = store(context, edited.spec.clone()).await?;
    let edit = SpecEdit { revision, spec_digest, of, by: Person::clone(person), facts: RiskFacts::of(&edited.spec) };
    let changed: Vec<String> = edited.changed.into_iter().map(|section: Section| section.name().to_owned()).collect();
    let after = context
        .store
        .record(id, by, now, |current| {
            let open = is_asked(current, of) && revision >= current.next_revision();
            Ok(open.then(|| Event::SpecEdited { edit: edit.clone(), changed: changed.clone() }))
        })
        .await?;
    if after.edit.as_ref() == Some(&edit) {
        Ok(EditOutput::Stored { revision, spec_digest })
    } else {
        Ok(EditOutput::NotAsked)
    }
}

/// Whether people are asked about that SPEC now.
fn is_asked(workflow: &Workflow, of: Digest) -> bool {
    workflow.state == WorkflowState::AwaitingSpecApproval
        && workflow.cancel_requested.is_none()
        && workflow.spec.as_ref().is_some_and(|spec| spec.digest == of)
}

async fn asked_spec(context: &Context, workflow: &Workflow, digest: Digest) -> Result<Spec, Failure> {
    let key = keys::objects::spec_json(&workflow.id, workflow.revision);
    let bytes = context.objects.get(&key, 4 * 1024 * 1024).await?;
    let spec: Spec = serde_json::from_slice(&bytes)
        .map_err(|error| inconsistent(format!("the stored SPEC cannot be read: {error}")))?;
    if spec.digest().ok() == Some(digest) {
        Ok(spec)
    } else {
        Err(inconsistent("the stored SPEC is not the one that is asked about"))
    }
}

/// The edit as a SPEC, or what is wrong with it.
async fn check(
    context: &Context,
    workflow: &Workflow,
    original: &Spec,
    draft: SpecDraft,
) -> Result<Result<Edited, Vec<String>>, Failure> {
    let repo = repository(context, workflow).await?;
    let snapshot = repo.snapshot(&original.base_commit, SnapshotLimits::default()).await.map_err(Failure::from)?;
    let base_paths = workspace::paths(&snapshot);
    let config = RepoConfig::load(workspace::text(&snapshot, CONFIG_PATH), &base_paths)
        .map_err(|error| Failure::new(FailureKind::InvalidInput, error.to_string()))?;
    let spec_context = SpecContext {
        workflow_id: &workflow.id,
        revision: workflow.next_revision(),
        ticket: &original.ticket,
        ticket_digest: original.ticket_digest,
        base_commit: &original.base_commit,
        base_paths: &base_paths,
        gates: &config.gate_names(),
        protected: &config.protected,
        allow_workflow_files: context.config.allow_workflow_files,
    };
    Ok(edit(original, draft, spec_context).map_err(|problems| problems.iter().map(ToString::to_string).collect()))
}

/// Stores the edit under the first number that is free, and answers both.
async fn store(context: &Context, mut spec: Spec) -> Result<(Revision, Digest), Failure> {
    for _ in 0..MAX_NUMBERS {
        let (stored, digest) = context.objects.propose_spec(spec.clone()).await?;
        if stored == spec {
            return Ok((spec.revision, digest));
        }
        spec.revision = spec.revision.next();
    }
    Err(Failure::new(FailureKind::Contention, "others edit this SPEC at the same moment; try again"))
}

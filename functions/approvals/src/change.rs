//! Changing an open gate: one transaction over the gate, the workflow and the audit trail, tried again when another
//! change was faster.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::{Gate, Refusal};
use domain::ids::GateId;
use domain::person::Actor;
use domain::workflow::{Event, Workflow};
use store::StoreError;

use crate::config::GatesContext;

/// How often a change is tried again when the rows change under it.
const MAX_ROUNDS: u32 = 40;

/// A gate after a change, and what the audit trail says of it.
pub(crate) struct Step {
    pub(crate) gate: Gate,
    pub(crate) event: Event,
    pub(crate) actor: Actor,
}

/// What came of a change.
pub(crate) enum Outcome {
    /// It is written.
    Changed { before: Box<Gate>, after: Box<Gate> },
    /// The rule allows none.
    Refused(Refusal),
    /// There is no such gate.
    NotFound,
}

/// Changes a gate by a rule, which is asked again with the rows as they are then.
pub(crate) async fn change(
    context: &GatesContext,
    id: &GateId,
    now: Timestamp,
    rule: impl Fn(&Gate, &Workflow) -> Result<Step, Refusal>,
) -> Result<Outcome, Failure> {
    for _ in 0..MAX_ROUNDS {
        let Some(gate) = context.gates.gate(id).await? else { return Ok(Outcome::NotFound) };
        let workflow = context.store.workflow(&gate.workflow_id).await?;
        let step = match rule(&gate, &workflow) {
            Ok(step) => step,
            Err(refusal) => {
                tracing::info!(gate = %id, %refusal, "a change of a gate was refused");
                return Ok(Outcome::Refused(refusal));
            }
        };
        match commit(context, &workflow, &gate, &step, now).await {
            Ok(()) => return Ok(Outcome::Changed { before: Box::new(gate), after: Box::new(step.gate) }),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::new(FailureKind::Contention, format!("the gate {id} changed {MAX_ROUNDS} times under this request")))
}

async fn commit(
    context: &GatesContext,
    workflow: &Workflow,
    before: &Gate,
    step: &Step,
    now: Timestamp,
) -> Result<(), StoreError> {
    let writes = context.gates.change_writes(before, &step.gate)?;
    if workflow.state.is_terminal() {
        // The workflow ended without its gate, by an error: only the gate is left to close.
        return context.gates.write(writes).await;
    }
    // A row that moved on between the two reads is a conflict like any other: read both again.
    let change = workflow
        .apply(step.event.clone(), step.actor.clone(), now)
        .map_err(|error| StoreError::Conflict(format!("the workflow of gate {} ({error})", before.id)))?;
    context.store.commit(&change, writes).await
}
